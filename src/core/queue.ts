/** A durable queue of work; what is added is done at least once. */

export interface AddOptions {
  /** Work of the same id is kept once; no colon. */
  id: string;
  /** Milliseconds before it may start. */
  delay?: number;
  /** Smaller goes first; 0 and absent go before all others. */
  priority?: number;
}

/** What the handler of one piece of work knows besides the work. */
export interface Attempt {
  /** Aborted when the work was cancelled or the process is stopping. */
  signal: AbortSignal;
  /** True when the work was not tried before. */
  first: boolean;
  /** True when a failure will not be tried again. */
  last: boolean;
}

export interface Worker {
  /** Aborts the signal of the work with this id, if this worker has it. */
  cancel(id: string, reason: string): void;
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
  close(): Promise<void>;
}
