/** Remembers how far a container's output was read, so that a next reading goes on exactly there; pure. */
import type { Frame } from './output-frames.ts';
import type { Kind } from './output-replay.ts';

/** The last frame that was read, and how many there were of the same time. */
interface Mark {
  at: string;
  count: number;
}

export interface Place {
  /** Seconds since 1970 from which the next reading has to begin; undefined before the first frame. */
  since(): number | undefined;
  /** To be called before each reading, which may repeat frames. */
  begin(): void;
  /** Whether the frame was not read before. */
  isNew(frame: Pick<Frame, 'kind' | 'at'>): boolean;
}

/** The two streams are written by two threads: what is later in the log may have the earlier time. */
const OVERLAP_SECONDS = 10;

export function createPlace(): Place {
  const marks = new Map<Kind, Mark>();
  let repeated = new Map<Kind, Mark>();
  return {
    since: () => {
      const latest = [...marks.values()].map(({ at }) => Date.parse(at)).sort((a, b) => b - a)[0];
      return latest === undefined ? undefined : Math.floor(latest / 1000) - OVERLAP_SECONDS;
    },

    begin: () => {
      repeated = new Map([...marks].map(([kind, mark]) => [kind, { ...mark }]));
    },

    isNew: ({ kind, at }) => {
      const known = repeated.get(kind);
      if (known && at < known.at) return false;
      if (known && at === known.at && known.count > 0) {
        known.count -= 1;
        return false;
      }
      // What follows the first new frame is new too, also where the clock was set back.
      repeated.delete(kind);
      const mark = marks.get(kind);
      marks.set(kind, { at, count: mark?.at === at ? mark.count + 1 : 1 });
      return true;
    },
  };
}
