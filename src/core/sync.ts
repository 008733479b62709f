/** How fresh it is what a balancer knows of a data centre. */

/** Times in milliseconds since the epoch. */
export interface Sync {
  dataCentre: string;
  /** When all that is known was last confirmed by Marathon; absent before its first answer. */
  syncedAt?: number;
  /** When the event stream last gave a sign of life. */
  streamAt?: number;
  /** Since when Marathon does not answer, and why. */
  awaySince?: number;
  reason?: string;
}

/** Milliseconds: several full readings have failed then, since one is made each half minute. */
export const oldAfter = 90_000;
