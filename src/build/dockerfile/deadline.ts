/** Bounds the time that a piece of work may take. */

export interface Deadline {
  ms: number;
  /** The error with which the work ends when the time is up. */
  late(): Error;
}

/** The work's outcome, or the error when it comes too late; what is under way then is left to its own time-outs. */
export async function withDeadline<T>(work: Promise<T>, { ms, late }: Deadline): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
