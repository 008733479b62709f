/** Runs what a manifest names before and after a deployment: once for a request, whatever its services. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Deployment, type DeploymentStore, isOpen } from '../core/deployment.ts';
import { isPending, type Job, type JobStore, type ReleaseCommands } from '../core/job.ts';
import type { Release } from '../core/release.ts';
import type { JobRequests } from './requests.ts';

export interface ReleaseCommandsOptions {
  requests: Pick<JobRequests, 'start'>;
  jobs: Pick<JobStore, 'find' | 'active'>;
  deployments: Pick<DeploymentStore, 'find' | 'update' | 'list'>;
  exclusively: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  /** Milliseconds between two looks; default half a second. */
  lookEvery?: number;
}

type When = 'before' | 'after';

/** Seconds that such a command may take. */
const timeout = 60 * 60;

/** Deployments of an environment among which are those of one request. */
const recent = 100;

export function createReleaseCommands(options: ReleaseCommandsOptions): ReleaseCommands {
  const { jobs, deployments, lookEvery = 500 } = options;

  return {
    async run({ deployment, release, when }, signal) {
      const command = deployment.deploy[when];
      // The way back is for when something is wrong: it waits for no command, and fails by none.
      if (command === undefined || deployment.kind === 'rollback') return undefined;
      const id = jobIdOf(deployment, when);
      const known = (await deployments.find(deployment.id))?.jobs ?? {};
      if (known[when] !== id) {
        await deployments.update(deployment.id, { jobs: { ...known, [when]: id } });
      }
      // All of them have to get requests before what comes after; before, the first that asks begins.
      while (when === 'after' && (await areOthersOnTheirWay(options, deployment))) {
        await pause(lookEvery, signal);
      }
      let job = await startAlone(
        options,
        toJob({ id, command, deployment, release, when }),
        signal,
      );
      await say(options, deployment, `waits for the command ${when} it, job ${id}`);
      while (isPending(job)) {
        await pause(lookEvery, signal);
        const now = await jobs.find(id);
        if (!now) return `its job ${id} is no longer known`;
        job = now;
      }
      await say(options, deployment, '');
      return job.state === 'succeeded' ? undefined : reasonOf(job);
    },
  };
}

/** One for each request and environment, so that no second service runs it again. */
export function jobIdOf(
  { request, environment }: Pick<Deployment, 'request' | 'environment'>,
  when: When,
): string {
  const text = [request, environment, when].join('\n');
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}

interface Asked {
  id: string;
  command: string | string[];
  deployment: Deployment;
  release: Release;
  when: When;
}

function toJob({ id, command, deployment, release, when }: Asked): Job {
  const { project, environment, by = 'Ekiden' } = deployment;
  return {
    ...{ id, kind: when, project, environment, service: release.service, app: release.app },
    ...{ release: release.number, command, timeout, by, deployment: deployment.id },
    ...{ state: 'queued', createdAt: Date.now() },
  };
}

/** Begins it once no other of the environment runs: two migrations must not meet in one database. */
async function startAlone(
  options: ReleaseCommandsOptions,
  job: Job,
  signal: AbortSignal,
): Promise<Job> {
  const { requests, jobs, exclusively, lookEvery = 500 } = options;
  for (;;) {
    const begun = await exclusively(`commands:${job.project}:${job.environment}`, async () => {
      signal.throwIfAborted();
      const other = (await jobs.find(job.id)) ? undefined : await otherThan(options, job);
      return other ? { other } : { job: await requests.start(job) };
    });
    if (begun.job) return begun.job;
    const { id, kind } = begun.other;
    const { deployment: waiter = '' } = job;
    await say(
      options,
      { id: waiter },
      `waits for the command ${kind} another deployment, job ${id}`,
    );
    await pause(lookEvery, signal);
  }
}

/** A command around another deployment of the environment, that has not ended. */
async function otherThan({ jobs }: ReleaseCommandsOptions, { id, project, environment }: Job) {
  const active = await Promise.all((await jobs.active()).map(jobs.find));
  return active.find(
    (each) =>
      each !== undefined &&
      each.id !== id &&
      each.project === project &&
      each.environment === environment &&
      (each.kind === 'before' || each.kind === 'after') &&
      isPending(each),
  );
}

async function say(
  { deployments }: ReleaseCommandsOptions,
  { id }: Pick<Deployment, 'id'>,
  waiting: string,
): Promise<void> {
  const now = await deployments.find(id);
  if (now && now.waiting !== waiting) await deployments.update(id, { waiting });
}

/** Each either ends, or comes here and says so in its record. */
async function areOthersOnTheirWay(
  { deployments }: ReleaseCommandsOptions,
  { id, project, environment, request }: Deployment,
): Promise<boolean> {
  const { items } = await deployments.list(project, { environment, limit: recent });
  return items.some(
    (each) =>
      each.request === request &&
      each.id !== id &&
      isOpen(each) &&
      each.state !== 'held' &&
      each.jobs?.after === undefined,
  );
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await delay(milliseconds, undefined, { signal });
}

/** Whoever deploys says which command it was. */
function reasonOf({ id, state, reason = state }: Job): string {
  return `${reason} (job ${id})`;
}
