/** Ends a job before it does so by itself: when its time is over, or somebody says so. */
import { setTimeout as delay } from 'node:timers/promises';
import type { DataCentres } from '../clients/data-centres.ts';
import { EkidenError, messageOf } from '../core/errors.ts';
import type { Job, JobStop, JobStore } from '../core/job.ts';
import type { Log } from '../core/log.ts';
import { appOfJob } from './definition.ts';

export interface StoppingOptions {
  dataCentres: Pick<DataCentres, 'find'>;
  jobs: Pick<JobStore, 'update'>;
  log: Log;
  lookEvery?: number;
}

/** Seconds in which a job has to find a place to run and its image. */
const startsWithin = 15 * 60;

/** Seconds until the end of its processes is no longer waited for: the drain, the grace, and more. */
const endsWithin = 120;

/** Why the job has to end now; undefined while it may go on. */
export function stopOf(
  { timeout, startedAt, sentAt }: Pick<Job, 'timeout' | 'startedAt' | 'sentAt'>,
  now: number,
): JobStop | undefined {
  if (startedAt !== undefined) {
    if (now < startedAt + timeout * 1_000) return undefined;
    return { why: 'late', reason: `it was ended after its timeout of ${timeout} s` };
  }
  const patience = Math.max(startsWithin, timeout);
  if (sentAt === undefined || now < sentAt + patience * 1_000) return undefined;
  return { why: 'late', reason: `it did not start within ${patience} s` };
}

/** Takes its app away, and waits until its processes have ended, so that their last words are kept. */
export async function stopJob(
  options: StoppingOptions,
  job: Job,
  stop: JobStop,
  signal: AbortSignal,
): Promise<{ state: 'failed' | 'canceled'; reason: string }> {
  const { jobs, lookEvery = 500 } = options;
  if (!job.stop) await jobs.update(job.id, { stop });
  const giveUp = Date.now() + endsWithin * 1_000;
  while (job.dataCentre !== undefined && !(await isStopped(options, job, Date.now() > giveUp))) {
    signal.throwIfAborted();
    await delay(lookEvery, undefined, { signal }).catch(() => undefined);
  }
  return { state: stop.why === 'late' ? 'failed' : 'canceled', reason: stop.reason };
}

async function isStopped(
  { dataCentres, log }: StoppingOptions,
  job: Job,
  isLong: boolean,
): Promise<boolean> {
  const { marathon } = dataCentres.find(job.dataCentre ?? '');
  const id = appOfJob(job);
  try {
    await marathon.deleteApp(id, { force: true });
    const isEnding = (await marathon.deployments()).some((each) => each.affectedApps.includes(id));
    return !isEnding || isLong;
  } catch (error) {
    if (error instanceof EkidenError && !error.retryable) throw error;
    log.debug({ job: job.id, error: messageOf(error) }, 'a job cannot be ended now');
    return false;
  }
}
