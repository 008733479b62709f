/** The way into a queue for whoever must answer soon: one command keeps the work and tells whether it is new. */
import type { Queue } from '../core/queue.ts';
import { addUnique, openBull, type QueueOptions, rememberFor } from './queue.ts';

export type Door<Work> = Pick<Queue<Work>, 'add' | 'close'>;

/** Lets work in; its key is known for as long as work that ended is remembered. */
export function createDoor<Work extends object>(options: QueueOptions): Door<Work> {
  const { name } = options;
  const bull = openBull<Work>(options);
  return {
    add: (work, { id, delay, priority }) =>
      addUnique(
        { bull, name, work },
        {
          deduplication: { id, ttl: rememberFor * 1_000 },
          ...(delay === undefined ? {} : { delay }),
          ...(priority === undefined ? {} : { priority }),
        },
      ),
    close: () => bull.close(),
  };
}
