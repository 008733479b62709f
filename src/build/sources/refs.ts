/** Finds the commits that people mean by branches, tags and shas. */
import type { GitLab } from '../../clients/gitlab.ts';
import type { Project } from '../../core/access.ts';
import { createOnce } from '../../core/once.ts';

export interface FoundRef {
  sha: string;
  /** Full; undefined where the commit was named by its sha. */
  ref?: string;
}

/**
 * Asks for each ref once, however it is spelled; without a name it is the default branch. A branch goes before a tag
 * of its name, and both before a sha.
 */
export function createRefs(gitlab: Pick<GitLab, 'head' | 'commit'>) {
  const once = createOnce();

  async function head({ id }: { id: number }, ref: string): Promise<FoundRef | undefined> {
    const sha = await once(`${id} ${ref}`, () => gitlab.head(id, ref));
    return sha === undefined ? undefined : { sha, ref };
  }

  return async (
    project: Pick<Project, 'id' | 'defaultBranch'>,
    name: string | undefined,
  ): Promise<FoundRef | undefined> => {
    const wanted = name ?? (project.defaultBranch && `refs/heads/${project.defaultBranch}`);
    if (wanted === undefined) return undefined;
    if (wanted.startsWith('refs/')) return head(project, wanted);
    const [branch, tag] = await Promise.all(
      ['heads', 'tags'].map((kind) => head(project, `refs/${kind}/${wanted}`)),
    );
    if (branch ?? tag) return branch ?? tag;
    const sha = await gitlab.commit(project.id, wanted);
    return sha === undefined ? undefined : { sha };
  };
}
