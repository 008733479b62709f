/** What runs by the clock: kept as the good release of an environment has it, and begun when it is due. */
import { createHash } from 'node:crypto';
import type { BuildStore } from '../core/build.ts';
import type { DeploymentStore } from '../core/deployment.ts';
import {
  type DueWork,
  isPending,
  type Job,
  type JobStore,
  type Schedule,
  type ScheduleStore,
} from '../core/job.ts';
import type { Log } from '../core/log.ts';
import type { JobSpec } from '../core/manifest.ts';
import type { Release, ReleaseStore } from '../core/release.ts';
import type { JobRequests } from './requests.ts';
import type { JobRunner } from './runner.ts';

export interface SchedulesOptions {
  schedules: ScheduleStore;
  requests: Pick<JobRequests, 'start'>;
  runner: Pick<JobRunner, 'isOver'>;
  jobs: JobStore;
  builds: Pick<BuildStore, 'find'>;
  deployments: Pick<DeploymentStore, 'find'>;
  releases: Pick<ReleaseStore, 'lastGood'>;
  exclusively: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  log: Log;
}

export interface Schedules {
  /** After a deployment: what its app's good release wants is what runs from now on. */
  follow(deployment: string): Promise<void>;
  /** Begins what is due, once for each `id`, unless the run before it still goes on. */
  begin(work: DueWork, id: string): Promise<void>;
  /** The app is gone. */
  forget(app: string): Promise<void>;
}

export function createSchedules(options: SchedulesOptions): Schedules {
  const { schedules, deployments, releases, builds, exclusively } = options;

  async function forget(app: string, kept = new Set<string>()): Promise<void> {
    for (const { job } of await schedules.list(app)) {
      if (!kept.has(job.name)) await schedules.remove(app, job.name);
    }
  }

  return {
    async follow(id) {
      const app = (await deployments.find(id))?.app;
      if (app === undefined) return;
      await exclusively(`schedules:${app}`, async () => {
        // Asked each time, so that what is told late or twice changes nothing.
        const release = await releases.lastGood(app);
        const plan = release && (await builds.find(release.build))?.plan;
        if (!release || !plan) return;
        const wanted = wantedOf(plan.jobs ?? [], release);
        for (const schedule of wanted) await schedules.save(schedule);
        await forget(app, new Set(wanted.map(({ job }) => job.name)));
      });
    },
    begin: ({ app, name }, id) =>
      exclusively(`schedule:${app}:${name}`, async () => {
        const schedule = await schedules.find(app, name);
        if (schedule) await beginDue(options, schedule, shortened(id));
      }),
    forget: (app) => forget(app),
  };
}

/** The jobs of a manifest that run in the environment of the release, for its service. */
export function wantedOf(jobs: JobSpec[], release: Release): Schedule[] {
  const { project, environment, app, service } = release;
  return jobs
    .filter((job) => job.service === service)
    .filter(({ environments }) => environments?.includes(environment) ?? true)
    .map((job) => ({ project, environment, app, job }));
}

async function beginDue(options: SchedulesOptions, schedule: Schedule, id: string): Promise<void> {
  const { requests, jobs, releases, log } = options;
  const known = await jobs.find(id);
  if (known) {
    await requests.start(known);
    return;
  }
  const { app, job } = schedule;
  const release = await releases.lastGood(app);
  if (!release) {
    log.warn({ app, job: job.name }, 'a job is due, and no release of its service is healthy');
    return;
  }
  const running = await runningOf(options, schedule);
  const record = toJob({ id, schedule, release });
  if (!running) {
    await requests.start(record);
    return;
  }
  await skip(jobs, record, running);
}

/** The run before, where it goes on; whoever watched it may have been killed before its end was noted. */
async function runningOf(
  { jobs, runner }: SchedulesOptions,
  { app, job }: Schedule,
): Promise<Job | undefined> {
  for (const id of await jobs.active()) {
    const each = await jobs.find(id);
    const isMeant = each?.kind === 'cron' && each.app === app && each.name === job.name;
    if (isMeant && isPending(each) && !(await runner.isOver(each))) return each;
  }
  return undefined;
}

/** One record for all that one long run keeps from beginning, so that the list stays readable. */
async function skip(jobs: JobStore, record: Job, running: Job): Promise<void> {
  const id = shortened(`${running.id} skips`);
  const times = ((await jobs.find(id))?.skips ?? 0) + 1;
  const reason = `${running.id} still went on when it was due${times > 1 ? `, ${times} times` : ''}`;
  const now = Date.now();
  await jobs.create({ ...record, id, state: 'skipped' });
  await jobs.update(id, { skips: times, reason, endedAt: now });
}

interface Due {
  id: string;
  schedule: Schedule;
  release: Release;
}

function toJob({ id, schedule, release }: Due): Job {
  const { project, environment, app, job } = schedule;
  const { name, command, service, timeout, cpus, mem } = job;
  return {
    ...{ id, kind: 'cron', name, project, environment, service, app, release: release.number },
    ...{ command, timeout, by: 'the clock' },
    ...(cpus === undefined ? {} : { cpus }),
    ...(mem === undefined ? {} : { mem }),
    ...{ state: 'queued', createdAt: Date.now() },
  };
}

function shortened(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}
