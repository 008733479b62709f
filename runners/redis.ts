/** Waits for Redis at the start: a role that waited for one that is not there would look as if it ran. */
import { setTimeout as delay } from 'node:timers/promises';
import { SetupError } from '../src/core/errors.ts';

/** Milliseconds that Redis may take to answer before a start is given up. */
const patience = 10_000;

/** @throws SetupError when it does not answer in time, or the reason of `abandon`. */
export async function awaitRedis(
  { isReady }: { isReady(): Promise<boolean> },
  abandon: AbortSignal,
): Promise<void> {
  const giveUp = Date.now() + patience;
  while (!(await isReady())) {
    abandon.throwIfAborted();
    if (Date.now() > giveUp) {
      throw new SetupError(`Redis does not answer within ${patience / 1000} s.`, {
        code: 'E_REDIS',
        hint: 'Check REDIS_URL, and that Redis runs there.',
      });
    }
    await delay(100);
  }
}
