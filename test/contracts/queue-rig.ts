/** Queues that tests open, and workers on them. */
import { onTestFinished } from 'vitest';
import { silent } from '../../src/core/log.ts';
import type { Attempt, Queue } from '../../src/core/queue.ts';
import { createQueue } from '../../src/stores/queue.ts';
import { createFakeQueue } from '../fakes/queue.ts';
import type { openRedis } from '../support/redis.ts';

export interface Work {
  name: string;
}

export const name = 'work';
export const patience = { timeout: 25_000, interval: 20 };

export type Keys = ReturnType<typeof openRedis>;

/** Opens a queue of BullMQ with keys of its own. */
export function openBull({ redis, prefix }: Keys, { attempts = 3 } = {}) {
  const queue = createQueue<Work>({ name, prefix, redis, attempts, log: silent });
  onTestFinished(() => queue.close());
  return queue;
}

export function openFake({ attempts = 3 }: { attempts?: number } = {}): Queue<Work> {
  const queue = createFakeQueue<Work>({ attempts });
  onTestFinished(() => queue.close());
  return queue;
}

/** Works until the test ends, and notes what it was given. */
export function start(
  queue: Queue<Work>,
  handle?: (work: Work, attempt: Attempt) => Promise<void>,
  concurrency = 1,
) {
  const seen: Work[] = [];
  const attempts: Pick<Attempt, 'first' | 'last'>[] = [];
  const worker = queue.work(
    async (work, attempt) => {
      seen.push(work);
      attempts.push({ first: attempt.first, last: attempt.last });
      await handle?.(work, attempt);
    },
    { concurrency },
  );
  onTestFinished(() => worker.stop());
  return { worker, seen, attempts };
}

/** Works on until it is told to stop. */
export function untilAborted(_: Work, { signal }: Attempt): Promise<void> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}
