/** The files of a repository at a commit, as git has them: symbolic links are followed, submodules named. */
import type { GitLab } from '../../clients/gitlab.ts';
import { isSymlink, type TreeEntry } from '../../clients/gitlab-repository.ts';
import { RemoteError } from '../../core/errors.ts';
import {
  followLink,
  isSubmodule,
  MOST_LINKS,
  type Tree,
  tooManyLinks,
} from '../dockerfile/index.ts';
import type { FileCache } from './file-cache.ts';

export interface RepositoryOptions {
  gitlab: Pick<GitLab, 'file' | 'tree'>;
  cache: FileCache;
  project: number;
  sha: string;
  /** Called with each path before it is read, also with those that links lead to; rejects where that must not be. */
  check?(path: string): Promise<void>;
}

/** PATH_MAX of Linux: no link holds more. */
const longestLink = 4096;

/** Reads by GitLab's API; its requests are made once for all reads of the same. */
export function openRepository(options: RepositoryOptions): Tree {
  const { gitlab, cache, project, sha } = options;
  const folders = new Map<string, Promise<TreeEntry[] | undefined>>();

  const fileAt = (path: string) =>
    cache.read({ project, sha, path }, () => gitlab.file(project, path, sha));

  function folderAt(path: string): Promise<TreeEntry[] | undefined> {
    const known = folders.get(path) ?? listFolder(gitlab, project, { sha, path });
    folders.set(path, known);
    return known;
  }

  async function entryAt(path: string): Promise<TreeEntry | undefined> {
    const entries = await folderAt(parentOf(path));
    return entries?.find((entry) => entry.path === path);
  }

  /** Where to read on, when `path` or a folder above it is a link. */
  async function linkedPath(path: string): Promise<string | undefined> {
    for (const part of partsToAsk(path, (await folderAt(parentOf(path))) !== undefined)) {
      const entry = await entryAt(part);
      if (entry?.type === 'commit') throw isSubmodule(part);
      if (entry && isSymlink(entry)) {
        const target = (await fileAt(part))?.toString() ?? '';
        return followLink({ link: part, target, rest: path.slice(part.length) });
      }
      if (!entry) return undefined;
    }
    return undefined;
  }

  return {
    async read(path) {
      for (let hops = 0, at = path; hops <= MOST_LINKS; hops++) {
        if (at === '' || at.endsWith('/')) return undefined;
        await options.check?.(at);
        const bytes = await fileAt(at);
        if (bytes && !mayBeLink(bytes)) return bytes;
        const target = await linkedPath(at);
        if (target === undefined) return bytes;
        at = target;
      }
      throw tooManyLinks(path);
    },
    async list(folder) {
      const entries = await folderAt(folder.replace(/\/$/, ''));
      return entries?.map(({ name, type }) => (type === 'tree' ? `${name}/` : name));
    },
  };
}

/** GitLab answers with an empty list, or older releases with 404, for what is no folder. */
async function listFolder(
  gitlab: RepositoryOptions['gitlab'],
  project: number,
  at: { sha: string; path: string },
): Promise<TreeEntry[] | undefined> {
  try {
    const entries = await gitlab.tree(project, at);
    return entries?.length ? entries : undefined;
  } catch (error) {
    // A folder of thousands of files is listed by halves; then nothing is known of links in it.
    if (error instanceof RemoteError && error.code === 'E_GITLAB' && !error.retryable) {
      return undefined;
    }
    throw error;
  }
}

/** The path alone where its folder is one, else all that lies above it, from the top. */
function partsToAsk(path: string, isInFolder: boolean): string[] {
  if (isInFolder) return [path];
  const segments = path.split('/');
  return segments.map((_, index) => segments.slice(0, index + 1).join('/'));
}

/** A link is a file that holds its target; of a submodule, releases of GitLab show an empty file or none. */
function mayBeLink(bytes: Buffer): boolean {
  return bytes.length <= longestLink && !bytes.includes('\n');
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
