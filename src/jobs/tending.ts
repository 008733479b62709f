/** Brings jobs back that their queue lost, and takes away what ended ones left in Marathon. */
import type { DataCentres } from '../clients/data-centres.ts';
import { messageOf } from '../core/errors.ts';
import { isPending, type JobStore } from '../core/job.ts';
import type { Log } from '../core/log.ts';
import { keepLooking } from '../core/looking.ts';
import type { Queue } from '../core/queue.ts';
import { jobLabel } from './definition.ts';
import type { JobWork } from './requests.ts';

export interface TendingOptions {
  jobs: Pick<JobStore, 'active' | 'find' | 'end' | 'update'>;
  queue: Pick<Queue<JobWork>, 'add' | 'has'>;
  dataCentres: Pick<DataCentres, 'apps' | 'find'>;
  install: string;
  log: Log;
  /** Milliseconds between two looks; default a minute. */
  every?: number;
}

/** Looks again and again until the answered function is called; any number of processes may. */
export function tendJobs(options: TendingOptions): () => Promise<void> {
  const { every = 60_000, log } = options;
  let missing: ReadonlySet<string> = new Set();
  return keepLooking({
    look: async () => {
      missing = await queueLost(options, missing);
      await removeLeft(options);
    },
    every,
    onError: (error) => log.warn({ error: messageOf(error) }, 'cannot look after jobs'),
  });
}

/** Answers those that are missing since this look: what is about to be queued, or to end, is so for a moment. */
export async function queueLost(
  { jobs, queue, log }: TendingOptions,
  missing: ReadonlySet<string>,
): Promise<Set<string>> {
  const since = new Set<string>();
  for (const id of await jobs.active()) {
    if (await queue.has(id)) continue;
    if (!missing.has(id)) {
      since.add(id);
      continue;
    }
    log.warn({ job: id }, 'a job was lost by its queue, and is queued again');
    await queue.add({ job: id }, { id });
    if (await queue.has(id)) continue;
    // The queue has ended it without a word, and takes nothing of its id for a day.
    await jobs.update(id, { endedAt: Date.now() });
    await jobs.end(id, 'failed', 'the queue of jobs has lost it: run it again');
  }
  return since;
}

/** An app of a job that has ended would start again once Marathon's back-off is over. */
export async function removeLeft({ jobs, dataCentres, install, log }: TendingOptions) {
  const { apps } = await dataCentres.apps({ label: `ekiden.install==${install},${jobLabel}` });
  for (const { id, labels, dataCentre } of apps) {
    const job = await jobs.find(labels[jobLabel] ?? '');
    if (job && isPending(job)) continue;
    log.warn({ app: id }, 'an ended job was left in Marathon, and is taken away');
    await dataCentres.find(dataCentre).marathon.deleteApp(id, { force: true });
  }
}
