/** The way into a queue for whoever must answer soon: one command keeps the work and tells whether it is new. */
import type { Queue } from '../core/queue.ts';
import { type Kept, openBull, type QueueOptions, rememberFor } from './queue.ts';

export type Door<Work> = Pick<Queue<Work>, 'add' | 'close'>;

/**
 * Lets work in by BullMQ's deduplication, which answers the id of the job that holds the key: ours
 * when the work is new. So nothing has to be read back, which would cost as much again.
 */
export function createDoor<Work extends object>(options: QueueOptions): Door<Work> {
  const bull = openBull<Work>(options);
  return {
    async add(work, { id, delay, priority }) {
      const mark = crypto.randomUUID();
      const job = await bull.add(options.name as never, { mark, work } as never, {
        jobId: mark,
        deduplication: { id, ttl: rememberFor * 1_000 },
        ...(delay === undefined ? {} : { delay }),
        ...(priority === undefined ? {} : { priority }),
      });
      if (job.id === mark || job.id === undefined) return { added: true, kept: work };
      const known: Kept<Work> | undefined = (await bull.getJob(job.id))?.data;
      return { added: false, kept: known?.work ?? work };
    },
    close: () => bull.close(),
  };
}
