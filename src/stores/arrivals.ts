/** Lets arrivals into the queue, by way of a spool on disk while the queue is away. */
import { hash } from 'node:crypto';
import { z } from 'zod';
import type { Arrivals, Receipt } from '../core/arrival.ts';
import { messageOf, RemoteError } from '../core/errors.ts';
import type { Arrival } from '../core/event.ts';
import type { Log } from '../core/log.ts';
import type { Door } from './door.ts';
import type { Spool } from './spool.ts';

/** GitLab is answered within 50 ms; a queue that is silent for half of that counts as away. */
const usualPatience = 25;
const turns = 5;

export interface SpoolOptions {
  queue: Pick<Door<Arrival>, 'add'>;
  spool: Spool<Spooled>;
  log: Log;
}

export interface ArrivalsOptions extends SpoolOptions {
  /** Milliseconds that the queue may take; 25 unless given. */
  patience?: number | undefined;
}

/** What lies in the spool: enough to queue it later under the same id. */
export const spooledSchema = z.object({
  id: z.string().min(1),
  arrival: z.custom<Arrival>(
    (value) => typeof (value as Partial<Arrival> | null)?.type === 'string',
  ),
});

export type Spooled = z.output<typeof spooledSchema>;

/** Dedupe and enqueue are one step: the key's hash is what the queue keeps once. */
export function createArrivals(options: ArrivalsOptions): Arrivals {
  const { queue, spool, log, patience = usualPatience } = options;
  return {
    async accept(arrival, key): Promise<Receipt> {
      const id = hash('sha256', key, 'hex');
      try {
        const { added, kept } = await withPatience(queue.add(arrival, { id }), patience);
        return { outcome: added ? 'queued' : 'duplicate', ...buildOf(kept) };
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'queue is away: the delivery goes to the spool');
        const { added, kept } = await spool.put(id, { id, arrival }).catch(refuse);
        return { outcome: added ? 'spooled' : 'duplicate', ...buildOf(kept.arrival) };
      }
    },
  };
}

/** Nothing may be answered as taken that a crash would lose. */
function refuse(error: NodeJS.ErrnoException): never {
  const why = error.code ?? messageOf(error);
  throw new RemoteError(
    `Ekiden cannot keep the delivery: its queue is away and its data folder takes nothing (${why}).`,
    {
      code: 'E_NOT_KEPT',
      hint: 'Resend the delivery once that is mended.',
      cause: error,
    },
  );
}

/** Moves what the spool holds into the queue; safe to repeat, since ids are kept. */
export async function drainSpool({ queue, spool }: SpoolOptions): Promise<number> {
  return spool.drain(async ({ id, arrival }) => {
    await queue.add(arrival, { id });
  });
}

function buildOf(arrival: Arrival): Pick<Receipt, 'build'> {
  return arrival.type === 'push.received' ? { build: arrival.build } : {};
}

/** Counts turns and not the clock: while this process is busy it cannot hear an answer either. */
function withPatience<T>(promise: Promise<T>, patience: number): Promise<T> {
  return new Promise((resolve, reject) => {
    let turn = 1;
    let timer = setTimeout(wait, patience / turns);
    function wait(): void {
      if (turn === turns) {
        reject(new Error(`no answer within ${patience} ms`));
        return;
      }
      turn += 1;
      timer = setTimeout(wait, patience / turns);
    }
    // Plain timers, since a signal that ends them costs more than the rest of the wait; a failure
    // after nobody waits any more is heard here and has no effect.
    promise.finally(() => clearTimeout(timer)).then(resolve, reject);
  });
}
