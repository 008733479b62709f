/** What a test puts into the stand-in of tokens: personal ones, those of bots, and those of jobs. */
import { randomBytes } from 'node:crypto';
import type { GitLab } from './core.ts';
import { branches, resolveCommit } from './repository.ts';
import type { NewMember, Place } from './seeding.ts';
import { addToken, addUser, type Job } from './state.ts';

export interface NewToken {
  name?: string;
  /** Default `api`. */
  scopes?: string[];
  /** The first day on which it no longer works, such as `2026-12-31`. */
  expiresAt?: string;
}

export interface TokenSeeding {
  /** A further personal access token; answers its value. */
  createToken(token: NewToken & { userId: number }): string;
  /** The token of a project or group, whose bot is a member at that level. */
  createBotToken(token: Place & NewToken & { accessLevel: number }): {
    userId: number;
    token: string;
  };
  endToken(token: string, how: 'revoked' | 'expired'): void;
  /** A running CI job, whose token answers `GET /job`; its commit is the head of `ref`. */
  createJob(job: { projectId: number; userId: number; ref?: string }): Promise<{
    id: number;
    token: string;
  }>;
  /** From now on the job's token is refused. */
  finishJob(jobId: number, status?: Exclude<Job['status'], 'running'>): void;
}

export interface TokenSeedingOptions {
  gitlab: GitLab;
  setMember(member: Place & NewMember): void;
}

export function createTokenSeeding({ gitlab, setMember }: TokenSeedingOptions): TokenSeeding {
  const { state } = gitlab;
  return {
    createToken: ({ userId, ...token }) => addToken(state, userId, token).value,
    createBotToken: ({ accessLevel, name = 'ekiden', scopes, expiresAt, ...place }) => {
      const owner = 'group' in place ? 'group_bot' : `project_${place.projectId}_bot`;
      const username = `${owner}_${randomBytes(8).toString('hex')}`;
      const { id: userId } = addUser(state, { username, name, bot: true });
      setMember({ ...place, userId, accessLevel });
      const given = { name, ...(scopes && { scopes }), ...(expiresAt && { expiresAt }) };
      return { userId, token: addToken(state, userId, given).value };
    },
    endToken: (value, how) => {
      const token = state.tokens.find((candidate) => candidate.value === value);
      if (token !== undefined) token.ended = how;
    },
    createJob: async (wanted) => {
      const job = await newJob(gitlab, wanted);
      state.jobs.push(job);
      return { id: job.id, token: job.token };
    },
    finishJob: (jobId, status = 'success') => {
      const job = state.jobs.find(({ id }) => id === jobId);
      if (job === undefined) throw new Error(`the stand-in has no job ${jobId}`);
      job.status = status;
      job.finishedAt = gitlab.timestamp();
    },
  };
}

async function newJob(
  gitlab: GitLab,
  wanted: { projectId: number; userId: number; ref?: string },
): Promise<Job> {
  const project = gitlab.state.projects.find(({ id }) => id === wanted.projectId);
  if (project === undefined) throw new Error(`the stand-in has no project ${wanted.projectId}`);
  const repo = gitlab.repo(project);
  const ref = wanted.ref ?? project.defaultBranch;
  return {
    id: gitlab.state.nextId('job'),
    pipelineId: gitlab.state.nextId('pipeline'),
    projectId: wanted.projectId,
    userId: wanted.userId,
    ref,
    tag: !(await branches(repo)).has(ref),
    sha: (await resolveCommit(repo, ref)) ?? '0'.repeat(40),
    token: `glcbt-64_${randomBytes(15).toString('base64url')}`,
    status: 'running',
    createdAt: gitlab.timestamp(),
    finishedAt: null,
  };
}
