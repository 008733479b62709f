/** Cleans on a timer, on each host that builds. */
import { messageOf } from '../src/core/errors.ts';
import type { Ekiden } from '../src/ekiden.ts';

const hour = 3_600_000;

/** The longest that a timer of Node.js can wait, in milliseconds. */
const longest = 2 ** 31 - 1;

/** Answers how it is stopped; what is under way goes on to its end. */
export function cleanRegularly({ cleaning, config, log }: Ekiden): () => void {
  if (config.cleanEvery === 0) return () => undefined;
  let timer: NodeJS.Timeout;
  let isStopped = false;
  const wait = () => {
    // A cleaning that was under way ends after it was stopped.
    if (isStopped) return;
    // Hosts that were started together do not clean together.
    const jitter = 0.9 + Math.random() * 0.2;
    timer = setTimeout(clean, Math.min(config.cleanEvery * hour * jitter, longest)).unref();
  };
  const clean = () => {
    cleaning
      .clean({ dryRun: false })
      .catch((error: unknown) => log.warn({ error: messageOf(error) }, 'cannot clean'))
      .finally(wait);
  };
  wait();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
