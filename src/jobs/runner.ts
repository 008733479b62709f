/** Runs a job from its record to its end: sends it, watches it, keeps its output, clears up. */
import { setTimeout as delay } from 'node:timers/promises';
import type { DataCentres } from '../clients/data-centres.ts';
import type { MarathonApp } from '../clients/marathon.ts';
import { EkidenError, messageOf } from '../core/errors.ts';
import { isPending, type Job } from '../core/job.ts';
import type { Log } from '../core/log.ts';
import { type Attempt, refuseDeadly } from '../core/queue.ts';
import type { Release, ReleaseStore } from '../core/release.ts';
import { mask, secretValuesOf } from '../core/secret.ts';
import { appOfJob } from './definition.ts';
import { clear, type Ended, type EndingOptions, finish, secretsOf } from './ending.ts';
import { readJob, type Seen } from './outcome.ts';
import { type SendingOptions, send } from './sending.ts';
import { stopJob, stopOf } from './stopping.ts';

export interface RunnerOptions extends SendingOptions, EndingOptions {
  dataCentres: Pick<DataCentres, 'find' | 'defaults'>;
  releases: Pick<ReleaseStore, 'find'>;
  log: Log;
  /** Milliseconds between two looks; default half a second. */
  lookEvery?: number;
}

export interface JobRunner {
  /** Resolves once the job has ended. Work that was done before is not done again. */
  run(id: string, attempt: Attempt): Promise<void>;
  /** Whether its processes have ended, also where nobody has noted that yet; false while Marathon does not tell. */
  isOver(job: Job): Promise<boolean>;
}

export function createJobRunner(options: RunnerOptions): JobRunner {
  return {
    async run(id, attempt) {
      const job = await options.jobs.find(id);
      if (!job) return;
      if (!isPending(job)) return clear(options, job);
      try {
        refuseDeadly(attempt);
        await runToEnd(options, job, attempt.signal);
      } catch (error) {
        const tryAgain = !(error instanceof EkidenError) || error.retryable;
        if (attempt.signal.aborted) throw error;
        if (tryAgain && !attempt.last) {
          await noteWaiting(options, job, error);
          throw error;
        }
        const now = (await options.jobs.find(id)) ?? job;
        await finish(options, now, { state: 'failed', reason: messageOf(error) });
      }
    },
    async isOver(job) {
      if (!isPending(job)) return true;
      if (job.sentAt === undefined || job.stop) return false;
      const seen = await look(options, job).catch(() => undefined);
      return seen === 'gone' || seen?.is === 'ended';
    },
  };
}

/** Until it is tried again, people read what it waits for. */
async function noteWaiting(options: RunnerOptions, job: Job, error: unknown): Promise<void> {
  try {
    const text = mask(messageOf(error), (await secretsOf(options, job)) ?? []);
    const waiting = `${text.replace(/\.$/, '')}; it is tried again`;
    await options.jobs.update(job.id, { waiting });
  } catch {
    // What went wrong may be Redis itself, and the first error says more.
  }
}

async function runToEnd(options: RunnerOptions, job: Job, signal: AbortSignal): Promise<void> {
  const { releases, jobs } = options;
  const release = await releases.find(job.app, job.release);
  if (!release) return finish(options, job, await endWithout(options, job, signal));
  const sent = job.stop ? job : await send(options, job, release);
  if (!sent || !isPending(sent)) return;
  const ended = await watch(options, sent, { release, signal });
  const now = (await jobs.find(job.id)) ?? sent;
  await finish(options, now, ended, secretValuesOf(release));
}

/** What is taken down loses its releases while its jobs are ended. */
async function endWithout(options: RunnerOptions, job: Job, signal: AbortSignal): Promise<Ended> {
  if (job.stop) return stopJob(options, job, job.stop, signal);
  return { state: 'failed', reason: `release ${job.release} is no longer kept` };
}

interface Watching {
  release: Release;
  signal: AbortSignal;
}

/** What happened when it neither runs nor has ended by itself, as far as Marathon knows. */
const killed: Ended = {
  state: 'failed',
  reason: 'it was killed by somebody else',
  isGuess: true,
};

/** Looks that find neither a task nor its end, until somebody else must have killed it. */
const unclearLooks = 10;

/** Looks at the job until it has ended, or ends it. */
async function watch(options: RunnerOptions, sent: Job, watching: Watching): Promise<Ended> {
  const { jobs, output, lookEvery = 500 } = options;
  const { signal, release } = watching;
  const secrets = secretValuesOf(release);
  let unclear = 0;
  for (let job = sent; ; ) {
    signal.throwIfAborted();
    job = (await jobs.find(job.id)) ?? job;
    const stop = job.stop ?? stopOf(job, Date.now());
    if (stop) return stopJob(options, job, stop, signal);
    const seen = await look(options, job);
    if (seen === 'gone') return { state: 'failed', reason: 'somebody took its app from Marathon' };
    if (seen.is === 'ended') return endedBy(seen);
    if (seen.is === 'again') return { ...killed, instance: seen.instance };
    unclear = seen.is === 'unclear' ? unclear + 1 : 0;
    if (unclear >= unclearLooks) return killed;
    if (seen.is === 'active') job = await noteStart(options, job, seen);
    job = await noteAway(options, job, seen.is === 'away' ? mask(seen.why, secrets) : undefined);
    job = await output.copy(job, { secrets });
    await delay(lookEvery, undefined, { signal }).catch(() => undefined);
  }
}

function endedBy({ exitCode, reason, instance }: Seen & { is: 'ended' }): Ended {
  return {
    state: exitCode === 0 ? 'succeeded' : 'failed',
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(reason === undefined ? {} : { reason }),
    ...(instance === undefined ? {} : { instance }),
  };
}

/** While Marathon does not answer nothing is known. */
type Away = { is: 'away'; why: string };

async function look(options: RunnerOptions, job: Job): Promise<Seen | Away | 'gone'> {
  const { marathon } = options.dataCentres.find(job.dataCentre ?? '');
  try {
    const app: MarathonApp | undefined = await marathon.app(appOfJob(job));
    if (!app) return 'gone';
    const isIdle = app.tasks.length === 0;
    const queue = isIdle ? await marathon.queue() : [];
    const queued = queue.find((item) => item.app.id === app.id);
    return readJob({ app, queued, instance: job.instance });
  } catch (error) {
    if (error instanceof EkidenError && !error.retryable) throw error;
    const why = messageOf(error);
    options.log.debug({ job: job.id, error: why }, 'a job cannot be looked at now');
    return { is: 'away', why };
  }
}

/** People read why nothing is known of it now; `why` is undefined while Marathon answers. */
async function noteAway({ jobs }: RunnerOptions, job: Job, why: string | undefined): Promise<Job> {
  const again = 'the job is looked at again once Marathon answers';
  const waiting = why === undefined ? '' : `${why.replace(/\.$/, '')}; ${again}`;
  return waiting === (job.waiting ?? '') ? job : jobs.update(job.id, { waiting });
}

async function noteStart({ jobs }: RunnerOptions, job: Job, seen: Seen & { is: 'active' }) {
  const { instance, startedAt } = seen;
  if (job.instance === instance && job.startedAt === startedAt) return job;
  return jobs.update(job.id, { instance, ...(startedAt === undefined ? {} : { startedAt }) });
}
