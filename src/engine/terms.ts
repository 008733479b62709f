/** The engine as a row of terms: who deletes the leader ends one, and the next begins on the same address. */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../core/errors.ts';
import { silent } from '../core/log.ts';
import { claim } from './claim.ts';
import { type EngineOptions, type RunningEngine, startTerm } from './engine.ts';

/** Docker may be away for a while, or the address taken. */
const RETRY_MS = 1_000;

/** Lets the answer to the request for it leave first, as Marathon does. */
const ABDICATION_DELAY_MS = 100;

/**
 * Starts an engine; resolves when it listens and has adopted what already runs. Marathon's process
 * ends when it abdicates and is started again by its supervisor; this one forgets all but what is
 * on the disk, and begins anew.
 */
export async function startEngine(options: EngineOptions): Promise<RunningEngine> {
  // Docker takes a relative path of a sandbox for the name of a volume.
  const given = { ...options, data: resolve(options.data) };
  const { log = silent } = given;
  const stopping = new AbortController();
  let change = Promise.resolve();
  const release = await claim(given.data);
  let term = await startTerm(given, abdicate).catch((error: unknown) => {
    release();
    throw error;
  });
  const { url } = term;

  function abdicate(): void {
    const ended = term;
    change = change.then(() => nextAfter(ended)).catch(() => undefined);
  }

  async function nextAfter(ended: RunningEngine): Promise<void> {
    await pause(ABDICATION_DELAY_MS);
    // Asked for twice, it ends once; and an engine that stops has no next term.
    if (ended !== term || stopping.signal.aborted) return;
    log.info({}, 'leadership abdicated; beginning the next term');
    while (!stopping.signal.aborted) {
      try {
        // What it has not written yet, as on a full disk, the next one would not know of.
        await ended.stop();
        term = await startTerm({ ...given, listen: new URL(url).host }, abdicate);
        return;
      } catch (error) {
        log.error({ error: messageOf(error) }, 'cannot begin the next term; trying again');
        await pause(RETRY_MS);
      }
    }
  }

  async function pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  }

  return {
    url,
    stop: async () => {
      stopping.abort();
      await change;
      await term.stop();
      release();
    },
  };
}
