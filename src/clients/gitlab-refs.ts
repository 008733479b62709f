/** Finds commits by their names, and the tags of a project, in GitLab. */
import { Branches, Commits, Tags } from '@gitbeaker/rest';
import { z } from 'zod';
import { shortSha } from '../core/ref.ts';
import { absent, asking, type GitLabOptions, requestOptions } from './gitlab-request.ts';

/** More tags of one name's versions than anybody keeps. */
const paging = { perPage: 100, maxPages: 20 } as const;

const commitSchema = z.object({ id: z.string() });
const headSchema = z.object({ commit: commitSchema });
const tagSchema = z.object({ name: z.string(), commit: commitSchema });

export interface GitLabRefs {
  /** The commit that a full ref points to now; undefined when the ref is gone. */
  head(project: number, ref: string): Promise<string | undefined>;
  /** The full sha of a commit, of which `sha` has at least the first seven digits; undefined for none. */
  commit(project: number, sha: string): Promise<string | undefined>;
  /** The tags that begin with `prefix`, the newest 2,000. */
  tags(project: number, prefix: string): Promise<{ name: string; sha: string }[]>;
}

export function createGitLabRefs(connection: GitLabOptions): GitLabRefs {
  const options = requestOptions(connection);
  const commits = new Commits(options);
  const tags = new Tags(options);
  const branches = new Branches(options);

  return {
    head: (project, ref) => headOf({ branches, tags }, project, ref),
    async commit(project, sha) {
      // Names of other kinds are found here as well, by rules of their own.
      if (!/^[0-9a-f]{7,64}$/.test(sha)) return undefined;
      const found = await asking(`commit ${shortSha(sha)} of project ${project}`, () =>
        commits.show(project, sha),
      ).catch(absent);
      if (found === undefined) return undefined;
      const { id } = commitSchema.parse(found);
      return id.startsWith(sha) ? id : undefined;
    },
    async tags(project, prefix) {
      const found = await asking(`the tags of project ${project}`, () =>
        tags.all(project, { ...paging, ...(prefix ? { search: `^${prefix}` } : {}) }),
      );
      return z
        .array(tagSchema)
        .parse(found)
        .filter(({ name }) => name.startsWith(prefix))
        .map(({ name, commit }) => ({ name, sha: commit.id }));
    },
  };
}

async function headOf(
  { branches, tags }: { branches: Branches; tags: Tags },
  project: number,
  ref: string,
): Promise<string | undefined> {
  const [, kind, name] = /^refs\/(heads|tags)\/(?!\.\.?$)(.+)$/.exec(ref) ?? [];
  // Git has other refs, and GitLab would take a name that is none for another address.
  if (name === undefined) return undefined;
  const found = await asking<unknown>(`${ref} of project ${project}`, () =>
    kind === 'tags' ? tags.show(project, name) : branches.show(project, name),
  ).catch(absent);
  return found === undefined ? undefined : headSchema.parse(found).commit.id;
}
