/** Has removals that wait for a data centre done once it is back. */
import { messageOf } from './core/errors.ts';
import { keepLooking } from './core/looking.ts';
import { finishRemovals, type TakingDownOptions } from './deploy/taking-down.ts';

export interface PendingRemovalsWork {
  /** Looks again and again, until the answered function is called; any number of processes may. */
  keepFinishing(): () => Promise<void>;
}

const every = 15_000;

export function createPendingRemovals(options: TakingDownOptions): PendingRemovalsWork {
  const { log } = options;
  return {
    keepFinishing: () =>
      keepLooking({
        look: () => finishRemovals(options),
        every,
        onError: (error) => log.warn({ error: messageOf(error) }, 'removals still wait'),
      }),
  };
}
