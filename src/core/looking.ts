/** Looks at something again and again, one look at a time. */

export interface LookingOptions {
  look: () => Promise<void>;
  /** Milliseconds from one look to the next; one that takes longer is waited for. */
  every: number;
  onError: (error: unknown) => void;
}

/** Answers how it is stopped, which waits for the look that is under way. */
export function keepLooking({ look, every, onError }: LookingOptions): () => Promise<void> {
  let looking: Promise<void> | undefined;
  const timer = setInterval(() => {
    looking ??= look()
      .catch(onError)
      .finally(() => {
        looking = undefined;
      });
  }, every);
  return async () => {
    clearInterval(timer);
    await looking;
  };
}
