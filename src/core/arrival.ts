/** Arrivals are the door through which hooks hand in work; what was let in is never lost. */
import type { Arrival } from './event.ts';

/** What became of something handed in. */
export interface Receipt {
  /** `spooled`: the queue is away, it waits on disk. */
  outcome: 'queued' | 'duplicate' | 'spooled';
  /** Build that it causes, or that the first of its kind caused. */
  build?: string;
}

export interface Arrivals {
  /** Keeps `arrival` in Redis' AOF or on disk before it resolves; the same `key` is let in once in 24 hours. */
  accept(arrival: Arrival, key: string): Promise<Receipt>;
}
