/** What people ask of builds: that one is made, or given up. */
import { randomBytes } from 'node:crypto';
import type { GitLab } from '../clients/gitlab.ts';
import { type Build, type BuildStore, type Heads, isActive } from '../core/build.ts';
import { ConflictError, NotFoundError } from '../core/errors.ts';
import type { Arrival, HandOn, PushReceived } from '../core/event.ts';
import type { Queue } from '../core/queue.ts';
import { shortRef, shortSha } from '../core/ref.ts';
import { newBuild } from './resolve.ts';

export interface BuildRequestsOptions {
  gitlab: Pick<GitLab, 'project' | 'head'>;
  builds: BuildStore;
  heads: Pick<Heads, 'release'>;
  arrivals: Pick<Queue<Arrival>, 'add'>;
  /** Stops a build wherever it runs. */
  cancel: (build: string, reason: string) => Promise<void>;
  handOn: HandOn;
}

export interface BuildRequests {
  /**
   * Builds the head of a ref: a branch, a tag or a full ref, by default the default branch.
   * @throws NotFoundError when GitLab shows no such project or ref.
   */
  request(wanted: WantedBuild): Promise<{ id: string }>;
  /**
   * Does a build that has ended again: the same commit of the same ref, of which it has to be the head.
   * @throws ConflictError when it has not ended, or its ref has moved on.
   */
  retry(wanted: WantedRetry): Promise<{ id: string }>;
  /** Gives a build up; told twice, it says so twice. @throws ConflictError when it has ended otherwise. */
  cancel(id: string, by: string): Promise<Build>;
  /** Gives all builds of a project up that wait or run; whatever is pushed after it counts as new. */
  cancelAll(project: number, by: string): Promise<void>;
}

export interface WantedBuild {
  project: number;
  ref?: string;
  /** The name of who asks. */
  by: string;
  /** GitLab's id of the user on whose behalf files of other projects are read. */
  actor?: number;
}

export interface WantedRetry {
  /** The build to do again. */
  build: string;
  by: string;
  actor?: number;
  /** True to splice in the fragments that it had, whatever they are now. */
  exactly?: boolean;
  /** False to make every step anew. */
  cache?: boolean;
}

/** All builds of a project that can be listed. */
const listed = 500;

/** Nothing was there before what a person asked for, so GitLab's first answer counts. */
const noCommit = '0'.repeat(40);

export function createBuildRequests(options: BuildRequestsOptions): BuildRequests {
  const { builds } = options;

  return {
    async request({ project, ref, ...who }) {
      return begin(options, { project, ...who, ...(await headOf(options, project, ref)) });
    },
    async retry({ build: id, exactly = false, cache = true, ...who }) {
      const build = await existing(builds, id);
      await ensureRepeatable(options, build, exactly);
      const { project, ref, sha, plan } = build;
      const pins = exactly && plan ? { pins: [...plan.fragments, ...(plan.skipped ?? [])] } : {};
      const again = { retryOf: id, ...pins, ...(cache ? {} : { noCache: true }) };
      return begin(options, { project, ref, sha, ...who, again });
    },
    async cancel(id, by) {
      const build = await existing(builds, id);
      return cancel(options, build, by);
    },
    async cancelAll(project, by) {
      const { items } = await builds.list(project, { limit: listed });
      for (const build of items.filter(isActive)) {
        await cancel(options, build, by).catch(unlessEnded);
      }
      for (const ref of new Set(items.map((build) => build.ref))) {
        await options.heads.release(project, ref);
      }
    },
  };
}

type Wanted = Pick<PushReceived, 'project' | 'ref' | 'sha' | 'by' | 'actor' | 'again'>;

async function begin({ builds, arrivals }: BuildRequestsOptions, wanted: Wanted) {
  const id = randomBytes(12).toString('hex');
  const now = Date.now();
  const arrival: PushReceived = {
    ...wanted,
    type: 'push.received',
    cause: 'request',
    build: id,
    before: noCommit,
    receivedAt: now,
    acceptedAt: now,
  };
  await arrivals.add(arrival, { id: `request-${id}` });
  // Whoever asked follows the link at once, maybe before anybody has taken it up.
  await builds.create(newBuild(arrival, now));
  return { id };
}

async function existing(builds: BuildStore, id: string): Promise<Build> {
  const build = await builds.find(id);
  if (build) return build;
  throw new NotFoundError(`There is no build ${id}.`, {
    code: 'E_NOT_FOUND',
    hint: 'GET /api/v1/projects/…/builds lists those that there are.',
  });
}

/** @throws ConflictError where a new build would not be of the same. */
async function ensureRepeatable(
  { gitlab }: BuildRequestsOptions,
  build: Build,
  exactly: boolean,
): Promise<void> {
  const { project, ref, sha, plan } = build;
  if (isActive(build)) {
    throw new ConflictError(`The build of ${shortSha(sha)} is under way.`, {
      code: 'E_BUILDING',
      hint: 'Wait for its end, or cancel it.',
    });
  }
  if (exactly && !plan) {
    throw new ConflictError('That build ended before its fragments were known.', {
      code: 'E_NO_FRAGMENTS',
      hint: 'Retry it without exactly.',
    });
  }
  const head = await gitlab.head(project, ref);
  if (head === sha) return;
  const now = head === undefined ? 'is gone' : `has moved on to ${shortSha(head)}`;
  throw new ConflictError(`${shortRef(ref)} ${now}, so ${shortSha(sha)} is not built again.`, {
    code: 'E_HEAD_MOVED',
    hint: 'Build the head of the ref instead, or push the commit to a ref of its own.',
  });
}

async function headOf({ gitlab }: BuildRequestsOptions, project: number, wanted?: string) {
  const name = wanted ?? (await gitlab.project(project)).defaultBranch ?? 'main';
  const refs = name.startsWith('refs/') ? [name] : [`refs/heads/${name}`, `refs/tags/${name}`];
  for (const ref of refs) {
    const sha = await gitlab.head(project, ref);
    if (sha !== undefined) return { ref, sha };
  }
  throw new NotFoundError(`There is no branch or tag ${name}.`, {
    code: 'E_REF',
    hint: 'Name a branch or tag as GitLab shows it.',
  });
}

/** The record is the truth: what ends it decides the race with the end of the build itself. */
async function cancel(options: BuildRequestsOptions, build: Build, by: string): Promise<Build> {
  const { builds, handOn } = options;
  const { id, sha } = build;
  const reason = `canceled by ${by}`;
  await builds.end(id, 'canceled', reason);
  const now = (await builds.find(id)) ?? build;
  if (now.state !== 'canceled') {
    throw new ConflictError(`The build of ${shortSha(sha)} has ended: ${now.state}.`, {
      code: 'E_ENDED',
      hint:
        now.state === 'succeeded'
          ? 'Roll back to take down what it brought.'
          : 'Nothing of it runs any more.',
    });
  }
  await options.cancel(id, reason);
  await handOn({ type: 'build.canceled', build: id });
  return now;
}

function unlessEnded(error: unknown): void {
  if (!(error instanceof ConflictError)) throw error;
}
