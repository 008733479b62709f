/** Lets arrivals into the queue, by way of a spool on disk while the queue is away. */
import { createHash } from 'node:crypto';
import type { Arrivals, Receipt } from '../core/arrival.ts';
import { messageOf } from '../core/errors.ts';
import type { Arrival } from '../core/event.ts';
import type { Log } from '../core/log.ts';
import type { Queue } from '../core/queue.ts';
import type { Spool } from './spool.ts';

/** GitLab is answered within 50 ms; a queue that has not answered in 25 counts as away. */
const patience = 25;

export interface ArrivalsOptions {
  queue: Queue<Arrival>;
  spool: Spool<Spooled>;
  log: Log;
}

/** What lies in the spool: enough to queue it later under the same id. */
export interface Spooled {
  id: string;
  arrival: Arrival;
}

/** Dedupe and enqueue are one step: the queue's job id is made of the key. */
export function createArrivals({ queue, spool, log }: ArrivalsOptions): Arrivals {
  return {
    async accept(arrival, key): Promise<Receipt> {
      const id = createHash('sha256').update(key).digest('hex');
      const build = arrival.type === 'push.received' ? { build: arrival.build } : {};
      try {
        const { added, kept } = await withPatience(queue.add(arrival, { id }));
        if (added) return { outcome: 'queued', ...build };
        return {
          outcome: 'duplicate',
          ...(kept.type === 'push.received' ? { build: kept.build } : {}),
        };
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'queue is away: the delivery goes to the spool');
        await spool.put(id, { id, arrival });
        return { outcome: 'spooled', ...build };
      }
    },
  };
}

/** Moves what the spool holds into the queue; safe to repeat, since ids are kept. */
export async function drainSpool({ queue, spool }: ArrivalsOptions): Promise<number> {
  return spool.drain(async ({ id, arrival }) => {
    await queue.add(arrival, { id });
  });
}

async function withPatience<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${patience} ms`)), patience);
  });
  try {
    return await Promise.race([promise, tooLate]);
  } finally {
    clearTimeout(timer);
    // The slow call may still fail after nobody waits for it any more.
    promise.catch(() => undefined);
  }
}
