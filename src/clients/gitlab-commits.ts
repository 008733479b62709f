/** What GitLab tells of commits: their titles, which lie between two, and how statuses of one stand. */
import { Commits, Repositories } from '@gitbeaker/rest';
import { z } from 'zod';
import type { CommitNote } from '../core/commit.ts';
import { shortSha } from '../core/ref.ts';
import { absent, asking, type GitLabOptions, requestOptions } from './gitlab-request.ts';

const commitSchema = z
  .object({
    id: z.string(),
    title: z.string().nullish(),
    author_name: z.string().nullish(),
    committed_date: z.string().nullish(),
  })
  .transform(({ id, title, author_name: author, committed_date: at }): CommitNote => {
    const time = at ? Date.parse(at) : Number.NaN;
    return {
      ...{ sha: id, title: title ?? '' },
      ...(author ? { author } : {}),
      ...(Number.isNaN(time) ? {} : { at: time }),
    };
  });

const comparisonSchema = z.object({ commits: z.array(commitSchema).nullish() });
const statusesSchema = z.array(z.object({ name: z.string(), status: z.string() }));

export interface GitLabCommits {
  /** Undefined where the project has no such commit. */
  describe(project: number, sha: string): Promise<CommitNote | undefined>;
  /** Those that `to` has and `from` has not, newest first; undefined when one of the two is gone. */
  between(project: number, from: string, to: string): Promise<CommitNote[] | undefined>;
  /** How statuses of that name stand, in GitLab's words; of several refs or pipelines each. */
  statusesOf(project: number, sha: string, name: string): Promise<string[]>;
}

export function createGitLabCommits(connection: GitLabOptions): GitLabCommits {
  const options = requestOptions(connection);
  const commits = new Commits(options);
  const repositories = new Repositories(options);

  return {
    async describe(project, sha) {
      const found = await asking(`commit ${shortSha(sha)} of project ${project}`, () =>
        commits.show(project, sha),
      ).catch(absent);
      return found === undefined ? undefined : commitSchema.parse(found);
    },
    async between(project, from, to) {
      const found = await asking(`the commits since ${shortSha(from)}`, () =>
        repositories.compare(project, from, to),
      ).catch(absent);
      if (found === undefined) return undefined;
      // GitLab lists the oldest first.
      return (comparisonSchema.parse(found).commits ?? []).reverse();
    },
    async statusesOf(project, sha, name) {
      const found = await asking(`the statuses of ${shortSha(sha)}`, () =>
        commits.allStatuses(project, sha, { name }),
      ).catch(absent);
      const statuses = found === undefined ? [] : statusesSchema.parse(found);
      return statuses.filter((each) => each.name === name).map(({ status }) => status);
    },
  };
}
