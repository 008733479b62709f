/** What GitLab tells of a repository at a commit without its archive: folders, and what changed. */
import { Repositories } from '@gitbeaker/rest';
import { z } from 'zod';
import { RemoteError } from '../core/errors.ts';
import { shortSha } from '../core/ref.ts';
import { absent, asking, type GitLabOptions, requestOptions } from './gitlab-request.ts';

const paging = { pagination: 'keyset', perPage: 100, maxPages: 20 } as const;

const entrySchema = z.object({
  id: z.string(),
  name: z.string(),
  path: z.string(),
  type: z.enum(['blob', 'tree', 'commit']),
  mode: z.string(),
});
const comparisonSchema = z.object({
  compare_timeout: z.boolean().nullish(),
  diffs: z.array(z.object({ old_path: z.string(), new_path: z.string() })).nullish(),
});

/** An entry of a folder; git's id says what it holds, and a `commit` is a submodule. */
export interface TreeEntry {
  id: string;
  name: string;
  /** From the repository's root. */
  path: string;
  type: 'blob' | 'tree' | 'commit';
  /** As git writes it, such as `100755`. */
  mode: string;
}

export function isSymlink({ mode }: Pick<TreeEntry, 'mode'>): boolean {
  return mode === '120000';
}

export interface GitLabRepository {
  /** What the folder `path` (by default the root) holds at `sha`, without what lies deeper; undefined when absent. */
  tree(project: number, options: { sha: string; path?: string }): Promise<TreeEntry[] | undefined>;
  /** Paths that differ between two commits, those of before a renaming too; undefined when one is gone or GitLab gave up. */
  changes(project: number, from: string, to: string): Promise<string[] | undefined>;
}

export function createGitLabRepository(connection: GitLabOptions): GitLabRepository {
  const repositories = new Repositories(requestOptions(connection));

  return {
    async tree(project, { sha, path }) {
      const found = await asking(`the folder ${path ?? '/'} at ${shortSha(sha)}`, () =>
        repositories.allRepositoryTrees(project, {
          ref: sha,
          ...(path ? { path } : {}),
          ...paging,
        }),
      ).catch(absent);
      return found && wholeFolder(z.array(entrySchema).parse(found));
    },
    async changes(project, from, to) {
      const found = await asking(`what changed since ${shortSha(from)}`, () =>
        repositories.compare(project, from, to, { straight: true }),
      ).catch(absent);
      if (found === undefined) return undefined;
      const { compare_timeout, diffs } = comparisonSchema.parse(found);
      if (compare_timeout) return undefined;
      return [...new Set((diffs ?? []).flatMap((diff) => [diff.old_path, diff.new_path]))];
    },
  };
}

/**
 * GitLab marks the end of a page with the id of its last entry (page_token), and two files of equal
 * content have one id: a page may repeat what an earlier one had.
 * @throws RemoteError for a folder that does not fit into the pages that are asked for.
 */
function wholeFolder(found: TreeEntry[]): TreeEntry[] {
  const limit = paging.perPage * paging.maxPages;
  if (found.length < limit) return [...new Map(found.map((entry) => [entry.path, entry])).values()];
  throw new RemoteError(`GitLab lists more than ${limit} entries of one folder.`, {
    code: 'E_GITLAB',
    retryable: false,
  });
}
