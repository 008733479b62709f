/** Runs a process until it is asked to stop by a signal. */
import { once } from 'node:events';
import type { Runner } from './runner.ts';

/** How long a start may take to end itself once it is given up, in milliseconds. */
const abandonPatience = 20_000;

/**
 * Stops at SIGTERM or SIGINT, also in the middle of the start, which gets a signal for that; a
 * second one ends at once.
 */
export async function serve(start: (abandon: AbortSignal) => Promise<Runner>): Promise<void> {
  const stopping = new AbortController();
  const onSignal = () => {
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort();
  };
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  const { signal } = stopping;
  const stopped = signal.aborted ? Promise.resolve() : once(signal, 'abort');
  let patience: NodeJS.Timeout | undefined;
  void stopped.then(() => {
    patience = setTimeout(() => process.exit(1), abandonPatience);
  });
  const runner = await start(signal).catch((error: unknown) => {
    if (signal.aborted && error === signal.reason) process.exit(0);
    throw error;
  });
  await stopped;
  clearTimeout(patience);
  await runner.stop();
  process.exit(0);
}
