/** Puts the archives of commits together: from the data folder, else from GitLab within its limit. */
import { join } from 'node:path';
import { createArchiveCache } from './build/archives/archive-cache.ts';
import { type Archives, createArchives } from './build/archives/archives.ts';
import { createGitLabSource } from './build/archives/gitlab-source.ts';
import type { Parts } from './parts.ts';

export function openArchives({
  config,
  stores,
  gitlab,
  log,
}: Pick<Parts, 'config' | 'stores' | 'gitlab' | 'log'>): Archives {
  const { archiveCache, archiveRate, archiveFormat: format, data } = config;
  const source = createGitLabSource({
    gitlab,
    format,
    take: (project) => stores.archiveLimits.take(project, archiveRate),
  });
  if (archiveCache === 0) return createArchives({ source });
  const limit = archiveCache * 1024 ** 2;
  const cache = createArchiveCache({ folder: join(data, 'archives'), limit, log });
  return createArchives({ source, cache });
}
