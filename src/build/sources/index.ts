/** Where the files of a build's Dockerfile come from: GitLab, at commits that do not change under it. */
import type { GitLab } from '../../clients/gitlab.ts';
import type { Fragment } from '../../core/build.ts';
import type { Sources, TemplateSource } from '../dockerfile/index.ts';
import type { FileCache } from './file-cache.ts';
import type { Actor } from './grant.ts';
import { openProjects } from './projects.ts';
import { openRepository } from './repository.ts';

export { createFileCache, type FileCache } from './file-cache.ts';
export { createGitLabTemplates } from './gitlab-templates.ts';
export type { Actor } from './grant.ts';
export { openProjects } from './projects.ts';
export { createRefs, type FoundRef } from './refs.ts';

export interface SourcesOptions {
  gitlab: Pick<GitLab, 'findProject' | 'head' | 'commit' | 'file' | 'tree'>;
  templates: TemplateSource;
  cache: FileCache;
}

/** Of what commit the sources are, and who may read what besides. */
export interface SourcesRequest {
  project: { id: number; path: string };
  sha: string;
  /** Undefined where nobody is known to have caused the build. */
  actor?: Actor | undefined;
  /** Fragments to be taken exactly as an earlier build had them. */
  pins?: readonly Fragment[];
}

export type OpenSources = (request: SourcesRequest) => Sources;

/** Opens the sources of one expansion; nothing is asked for before it is needed. */
export function createSources({ gitlab, templates, cache }: SourcesOptions): OpenSources {
  return ({ project, sha, actor, pins = [] }) => ({
    ...openRepository({ gitlab, cache, project: project.id, sha }),
    templates,
    openProject: openProjects({ gitlab, cache, includer: project, actor, pins }),
    pins,
  });
}
