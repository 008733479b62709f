/** Waiting for something by looking again and again. */

export interface PollOptions {
  /** Milliseconds until it is given up. */
  within: number;
  /** Milliseconds between looks. */
  every?: number;
  /** What is waited for, for the error's message. */
  what: string;
}

/** Answers the first value that is not undefined. @throws Error that names what did not happen. */
export async function poll<T>(
  look: () => Promise<T | undefined> | T | undefined,
  { within, every = 50, what }: PollOptions,
): Promise<T> {
  const giveUp = Date.now() + within;
  let last: unknown;
  while (Date.now() < giveUp) {
    try {
      const value = await look();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    await new Promise((wake) => setTimeout(wake, every));
  }
  const why = last instanceof Error ? ` (${last.message})` : '';
  throw new Error(`${what}: not within ${within / 1000} s${why}`);
}
