/** A durable queue of work; what is added is done at least once. */
import { EkidenError, NoRoomError, RemoteError } from './errors.ts';

export interface AddOptions {
  /** Work of the same id is kept once; no colon. */
  id: string;
  /** Milliseconds before it may start. */
  delay?: number;
  /** Smaller goes first; 0 and absent go before all others. */
  priority?: number;
  /** Tried once, and forgotten when it ended: then its id may be added again. */
  once?: boolean;
}

/** What the handler of one piece of work knows besides the work. */
export interface Attempt {
  /** Of the work in its queue, the same in each attempt; absent where no queue has it. */
  id?: string;
  /** Aborted when the work was cancelled or may be another worker's now, or the process is stopping. */
  signal: AbortSignal;
  /** True when the work was not tried before. */
  first: boolean;
  /** True when a failure will not be tried again. */
  last: boolean;
  /** How often a process died with it; absent for never. */
  crashes?: number;
  /** Milliseconds that it waited so far because parts asked for it; absent for none. */
  waited?: number;
}

/** Work that ended so many processes will end the next one too. */
const mostCrashes = 5;

/** @throws EkidenError that no retry mends, once too many processes died with the work. */
export function refuseDeadly({ crashes = 0 }: Pick<Attempt, 'crashes'>): void {
  if (crashes <= mostCrashes) return;
  throw new EkidenError(`Ekiden died ${crashes} times while it worked on this.`, {
    code: 'E_CRASHES',
    status: 500,
    mendedBy: 'ekiden',
    hint: 'Its log and that of the machine tell why; out of memory is the most frequent cause.',
  });
}

/** How often work that fails is tried: with these pauses about half an hour, in which a part may come back. */
export const attemptsInAll = 36;

const longestPause = 60_000;

/**
 * Milliseconds to wait after so many failures, from 1: twice as long each time, so that the wait is no
 * longer than what it waits for has been away, up to a minute.
 */
export function pauseAfter(failures: number): number {
  return Math.min(500 * 2 ** (failures - 1), longestPause);
}

/** Milliseconds in all for which work waits as parts ask, besides its tries. */
const mostAskedWaiting = 60 * 60_000;

/**
 * Milliseconds after which a part that failed asked to be tried again. Such a wait is no failed try,
 * and leaves the place to other work; undefined where nobody asked, or it has waited so for too long.
 */
export function askedPause(error: unknown, waited = 0): number | undefined {
  if (!(error instanceof RemoteError) || error.retryAfter === undefined) return undefined;
  // At least a second, so that a part that asks for none is not asked without end.
  const pause = Math.max(1_000, Math.ceil(error.retryAfter * 1_000));
  return waited + pause <= mostAskedWaiting ? pause : undefined;
}

/** True when work that failed so will not be tried again. */
export function isFinal(
  error: unknown,
  { last, waited }: Pick<Attempt, 'last' | 'waited'>,
): boolean {
  if (error instanceof NoRoomError || askedPause(error, waited) !== undefined) return false;
  return last || (error instanceof EkidenError && !error.retryable);
}

/** Of work in one state a queue tells of so much; what lies behind it is not known. */
export const longestLine = 1_000;

/** What a queue holds, as ids. */
export interface Line {
  /** In the order in which it will begin; the first thousand. */
  waiting: string[];
  /** Put off until later. */
  delayed: string[];
  /** With the milliseconds since the epoch at which it began. */
  running: { id: string; since: number }[];
}

export interface Worker {
  /** Aborts the signal of the work with this id, if this worker has it. */
  cancel(id: string, reason: string): void;
  /** Takes work again after a NoRoomError, with which a worker gives back what it took, and rests. */
  resume(): void;
  /** Takes no new work, gives running work back to the queue, and resolves when none runs. */
  stop(): Promise<void>;
}

export interface Queue<Work> {
  /**
   * Keeps `work` under `id` unless something is there already. Answers what is kept, and whether
   * that is this work.
   */
  add(work: Work, options: AddOptions): Promise<{ added: boolean; kept: Work }>;
  work(
    handle: (work: Work, attempt: Attempt) => Promise<void>,
    options: { concurrency: number },
  ): Worker;
  /** Takes out what waits or was put off; false when there is none of this id. */
  remove(id: string): Promise<boolean>;
  /** Moves what waits, or was put off, to the end of those of this priority. */
  reprioritize(id: string, priority: number): Promise<void>;
  line(): Promise<Line>;
  /** True when it waits, was put off, or runs. */
  has(id: string): Promise<boolean>;
  /** All that waits, was put off, or runs; the first thousand of each. */
  works(): Promise<Work[]>;
  /** How much there is in each state: waiting, active, delayed, …. */
  count(): Promise<Record<string, number>>;
  close(): Promise<void>;
}
