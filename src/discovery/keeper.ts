/** Looks after a process and brings it back. */
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

const lookMs = 250;
const longestPauseMs = 10_000;

/** Launches anew, with growing pauses, whenever nginx is not up. */
export function createKeeper(options: {
  isUp: () => Promise<boolean>;
  launch: () => Promise<void>;
  tidy: () => Promise<void>;
  log: Log;
}) {
  const { isUp, launch, tidy, log } = options;
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  let turn: Promise<void> = Promise.resolve();
  let failures = 0;

  async function look(): Promise<void> {
    try {
      if (!(await isUp())) {
        log.error({}, 'nginx is not running; it is started again');
        await launch();
      }
      failures = 0;
      await tidy();
    } catch (error) {
      failures += 1;
      log.error({ error: messageOf(error) }, 'nginx cannot be started again');
    }
  }

  function schedule(): void {
    if (ended) return;
    const pause = Math.min(longestPauseMs, lookMs * 2 ** Math.min(failures, 10));
    timer = setTimeout(() => {
      turn = look().then(schedule);
    }, pause);
    timer.unref();
  }

  return {
    watch: schedule,
    end: async () => {
      ended = true;
      clearTimeout(timer);
      await turn;
    },
  };
}
