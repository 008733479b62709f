/** What people ask of jobs: run one, give one up. */
import { randomBytes } from 'node:crypto';
import { ConflictError, NotFoundError } from '../core/errors.ts';
import { isPending, type Job, type JobStore } from '../core/job.ts';
import type { AppIds } from '../core/project.ts';
import type { Queue } from '../core/queue.ts';
import type { Release, ReleaseStore } from '../core/release.ts';
import { lockOfJob } from './sending.ts';

export interface JobWork {
  job: string;
}

export interface JobRequestsOptions {
  jobs: JobStore;
  queue: Pick<Queue<JobWork>, 'add' | 'remove'>;
  releases: Pick<ReleaseStore, 'find' | 'lastGood'>;
  appIds: Pick<AppIds, 'list'>;
  exclusively: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  maxMemory: number;
}

export interface WantedJob extends Pick<Job, 'project' | 'environment' | 'command' | 'by'> {
  /** By default the only one, or web. */
  service?: string;
  /** By default the one that became healthy last. */
  release?: number;
  timeout: number;
  cpus?: number;
  mem?: number;
}

export interface JobRequests {
  /** @throws ConflictError where there is nothing to run it in. */
  run(wanted: WantedJob): Promise<Job>;
  /** Records a job unless it is there, and sees that it runs; for those who name it themselves. */
  start(job: Job): Promise<Job>;
  /** @throws ConflictError for one that has ended. */
  cancel(id: string, by: string): Promise<Job>;
  /** Ends those of what is taken down: a service by its app, an environment, or a project. */
  cancelAll(where: { app: string } | { project: number; environment?: string }): Promise<void>;
}

export function createJobRequests(options: JobRequestsOptions): JobRequests {
  const { jobs, queue, exclusively } = options;

  async function start(job: Job): Promise<Job> {
    const kept = await jobs.create(job);
    if (isPending(kept)) await queue.add({ job: kept.id }, { id: kept.id });
    return kept;
  }

  async function stop(id: string, reason: string): Promise<void> {
    await exclusively(lockOfJob(id), async () => {
      const job = await jobs.find(id);
      if (!job || !isPending(job)) return;
      if (job.dataCentre !== undefined) {
        await jobs.update(id, { stop: { why: 'canceled', reason } });
        return;
      }
      await jobs.update(id, { endedAt: Date.now() });
      await jobs.end(id, 'canceled', reason);
      await queue.remove(id);
    });
  }

  return {
    start,
    async run(wanted) {
      const release = await releaseOf(options, wanted);
      ensureMemory(wanted.mem, options.maxMemory);
      return start(jobOf(wanted, release));
    },
    async cancel(id, by) {
      const job = await jobs.find(id);
      if (!job) throw noJob(id);
      if (!isPending(job)) {
        throw new ConflictError(`The job has ended: it is ${job.state}.`, { code: 'E_ENDED' });
      }
      await stop(id, `${by} canceled it`);
      return (await jobs.find(id)) ?? job;
    },
    async cancelAll(where) {
      const all = await Promise.all((await jobs.active()).map(jobs.find));
      for (const job of all) {
        if (job && isIn(job, where)) await stop(job.id, 'its service was taken down');
      }
    },
  };
}

function isIn(job: Job, where: Parameters<JobRequests['cancelAll']>[0]): boolean {
  if ('app' in where) return job.app === where.app;
  const { project, environment = job.environment } = where;
  return job.project === project && job.environment === environment;
}

function jobOf(wanted: WantedJob, release: Release): Job {
  const { project, environment, command, timeout, by, cpus, mem } = wanted;
  return {
    ...{ id: randomBytes(12).toString('hex'), kind: 'task', project, environment, command },
    ...{ service: release.service, app: release.app, release: release.number, timeout, by },
    ...(cpus === undefined ? {} : { cpus }),
    ...(mem === undefined ? {} : { mem }),
    ...{ state: 'queued', createdAt: Date.now() },
  };
}

type Meant = Pick<WantedJob, 'project' | 'environment' | 'service' | 'release'>;

/** The release that is meant. @throws ConflictError, NotFoundError */
export async function releaseOf(
  { releases, appIds }: Pick<JobRequestsOptions, 'releases' | 'appIds'>,
  { project, environment, service, release }: Meant,
): Promise<Release> {
  const all = await appIds.list({ project, environment });
  const [only = 'web'] = all.keys();
  const named = service ?? (all.size === 1 ? only : 'web');
  const app = all.get(named);
  if (app === undefined) throw noService(environment, named, [...all.keys()].sort());
  const found = await (release === undefined
    ? releases.lastGood(app)
    : releases.find(app, release));
  if (found) return found;
  const which = release === undefined ? 'no release that was healthy' : `no release ${release}`;
  throw new ConflictError(`${named} has ${which} in ${environment}.`, {
    code: 'E_RELEASE',
    hint: 'A job runs in the image of a release: deploy first, or name one that is kept.',
  });
}

function noService(environment: string, named: string, names: string[]) {
  if (names.length === 0) {
    return new ConflictError(`Nothing runs in ${environment}.`, {
      code: 'E_NOTHING_RUNS',
      hint: 'A job runs in the image of a release: push, or name another environment.',
    });
  }
  return new NotFoundError(`There is no service ${named} in ${environment}.`, {
    code: 'E_SERVICE',
    hint: `There are ${names.join(', ')}.`,
  });
}

function ensureMemory(mem: number | undefined, most: number): void {
  if (mem === undefined || mem <= most) return;
  throw new ConflictError(`${mem} MiB is above ${most}, the most that EKIDEN_MAX_MEMORY allows.`, {
    code: 'E_TOO_MUCH_MEMORY',
    hint: 'Ask for less; an administrator can raise it.',
  });
}

function noJob(id: string): NotFoundError {
  return new NotFoundError(`There is no job ${id}.`, {
    code: 'E_NOT_FOUND',
    hint: 'The list of jobs tells which there are.',
  });
}
