/** Keeps data centres that come back up to date with what was deployed while they were away. */
import { messageOf } from './core/errors.ts';
import { keepLooking } from './core/looking.ts';
import { type CatchingUpOptions, catchUp } from './deploy/rollout/catching-up.ts';

export interface CatchingUp {
  /** Looks again and again, until the answered function is called; any number of processes may. */
  keepUp(): () => Promise<void>;
}

/** Milliseconds between two looks, and while all data centres answer. */
const every = 5_000;
const whenAllAnswer = 30_000;

export function createCatchingUp(options: CatchingUpOptions): CatchingUp {
  return {
    keepUp() {
      let isAnyAway = true;
      let lastAt = 0;
      return keepLooking({
        async look() {
          if (!isAnyAway && Date.now() - lastAt < whenAllAnswer) return;
          lastAt = Date.now();
          isAnyAway = await catchUp(options);
        },
        every,
        onError: (error) =>
          options.log.warn({ error: messageOf(error) }, 'cannot see which data centres are behind'),
      });
    },
  };
}
