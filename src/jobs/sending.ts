/** Gives Marathon the app of a job, once. */
import type { DataCentres } from '../clients/data-centres.ts';
import { ConflictError, RemoteError } from '../core/errors.ts';
import { isPending, type Job, type JobStore } from '../core/job.ts';
import type { Release } from '../core/release.ts';
import { appOfJob, toJobApp } from './definition.ts';

export interface SendingOptions {
  dataCentres: Pick<DataCentres, 'find' | 'defaults'>;
  jobs: JobStore;
  /** Runs work on one job while nobody else does. */
  exclusively: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  install: string;
}

/** What keeps a job's beginning from its cancellation. */
export function lockOfJob(id: string): string {
  return `job:${id}`;
}

/**
 * Sends the job unless an earlier attempt did; undefined when it ended meanwhile. The data centre is kept
 * before anything is sent there, so that an answer that was lost never makes a second run elsewhere.
 */
export async function send(
  options: SendingOptions,
  job: Job,
  release: Release,
): Promise<Job | undefined> {
  if (job.sentAt !== undefined) return job;
  const { jobs, exclusively, install, dataCentres } = options;
  const dataCentre = job.dataCentre ?? (await firstThatAnswers(options, release));
  return exclusively(lockOfJob(job.id), async () => {
    const now = await jobs.find(job.id);
    if (!now || !isPending(now) || now.stop) return now;
    await jobs.update(job.id, { dataCentre });
    const { marathon } = dataCentres.find(dataCentre);
    // What is there is never sent again: a second PUT might come after the end of the first run.
    const isThere = (await marathon.app(appOfJob(job))) !== undefined;
    if (!isThere) await marathon.putApp(toJobApp(now, release, install));
    return jobs.update(job.id, { state: 'running', sentAt: Date.now(), waiting: '' });
  });
}

/** Of the data centres that the service runs in. */
async function firstThatAnswers(
  { dataCentres }: SendingOptions,
  { spec }: Release,
): Promise<string> {
  const names = spec.dataCentres ?? dataCentres.defaults();
  if (names.length === 0) {
    throw new ConflictError('There is no data centre to run it in.', {
      code: 'E_DATA_CENTRE',
      hint: 'An administrator names the data centres in the settings.',
    });
  }
  for (const name of names) {
    if (await dataCentres.find(name).marathon.ping()) return name;
  }
  throw new RemoteError(`No Marathon answers in ${names.join(', ')}.`, {
    code: 'E_MARATHON_UNREACHABLE',
    hint: 'It is tried again for about half an hour.',
  });
}
