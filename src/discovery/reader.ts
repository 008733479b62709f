/** Reads one app at a time as often as events ask for it, but not more than ten times a second. */
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';

const gapMs = 100;
// Marathon serves all its clients from one process.
const atOnce = 8;

/** The first request of an app is served at once; those within the gap after it become one. */
export function createReader(options: {
  read: (id: string) => Promise<void>;
  onError: (id: string, error: unknown) => void;
  signal: AbortSignal;
}) {
  const { read, onError, signal } = options;
  const limit = pLimit(atOnce);
  // True while another reading is wanted after the present one.
  const busy = new Map<string, boolean>();

  async function work(id: string): Promise<void> {
    do {
      const gap = delay(gapMs, undefined, { signal }).catch(() => undefined);
      try {
        await limit(() => {
          busy.set(id, false);
          return read(id);
        });
      } catch (error) {
        if (!signal.aborted) onError(id, error);
      }
      await gap;
    } while (busy.get(id) === true && !signal.aborted);
    busy.delete(id);
  }

  return {
    isBusy: (id: string) => busy.has(id),
    request(id: string): void {
      if (signal.aborted) return;
      if (busy.has(id)) busy.set(id, true);
      else {
        busy.set(id, false);
        void work(id);
      }
    },
  };
}
