/** Reads and follows the log of a build, wherever its pieces come from. */
import { type BuildLogState, type BuildLogStore, isGone } from '../core/build-log.ts';
import { EkidenError } from '../core/errors.ts';
import type { LogFrame } from '../core/log-file.ts';

/** Milliseconds between two looks, since hints may be lost. */
const lookEvery = 1_000;

const usualLastWords = 2_000;

export interface FollowBuildLog {
  store: BuildLogStore;
  build: string;
  /** Byte to begin at; negative: so many bytes before the end. */
  from: number;
  /** True once nobody writes any more, but for the last words. */
  isOver(): Promise<boolean>;
  /** What is over then; default: the build. */
  what?: string;
  /** Milliseconds in which the last words are written once all has ended; default two seconds. */
  lastWords?: number;
  signal: AbortSignal;
}

/** The bytes from `start` up to and without `stop`; where some are no longer kept, a line says so. */
export async function* readBuildLog(
  store: BuildLogStore,
  build: string,
  { start, stop }: { start: number; stop: number },
): AsyncGenerator<Uint8Array> {
  for (let at = start; at < stop; ) {
    const pieces = await store.read(build, at);
    for (const { offset, bytes } of pieces) {
      if (offset > at) yield leftOut(Math.min(offset, stop) - at);
      if (offset < stop) yield bytes.subarray(0, stop - offset);
      at = offset + bytes.length;
    }
    if (pieces.length > 0) continue;
    yield leftOut(stop - at);
    return;
  }
}

/** Ends without a frame when `signal` fires. */
export async function* followBuildLog(options: FollowBuildLog): AsyncGenerator<LogFrame> {
  const { store, build, from, signal } = options;
  const news = createNews(options);
  try {
    const { size } = await store.state(build);
    let at = from < 0 ? Math.max(0, size + from) : Math.min(from, size);
    yield { type: 'position', identity: build, offset: at };
    let [isHinted, hasGrown] = [false, false];
    while (!signal.aborted) {
      const frame = await nextFrame(options, at);
      if (frame && frame.offset > at) {
        yield { type: 'skipped', bytes: frame.offset - at };
        yield { type: 'position', identity: build, offset: frame.offset };
      }
      if (frame) {
        yield { type: 'data', bytes: frame.bytes };
        at = frame.offset + frame.bytes.length;
        hasGrown = true;
        continue;
      }
      // Whoever follows a log that grows would ask for its build with each piece.
      const found = isHinted && hasGrown ? undefined : await lookAround(options, at);
      if (found?.type === 'end') return yield found;
      if (found) {
        at = found.offset;
        yield found;
        continue;
      }
      hasGrown = false;
      isHinted = await news.next();
    }
  } finally {
    news.close();
  }
}

/** Where nothing follows for now: the end, or another place to go on at. */
async function lookAround(options: FollowBuildLog, at: number) {
  const { store, build, isOver } = options;
  const wasOver = await isOver();
  const state = await store.state(build);
  // Redis lost its last seconds: what it takes now is in the place of bytes that were told.
  if (state.size < at) return { type: 'position', identity: build, offset: state.size } as const;
  const reason = wasOver ? endOf(options, state, at) : undefined;
  return reason === undefined ? undefined : ({ type: 'end', reason } as const);
}

/** What follows at once, in one piece: each frame costs a client more than its bytes. */
async function nextFrame({ store, build }: FollowBuildLog, at: number) {
  const [first, ...more] = await store.read(build, at);
  if (!first) return undefined;
  const bytes = [first.bytes];
  let end = first.offset + first.bytes.length;
  for (const piece of more) {
    if (piece.offset !== end) break;
    bytes.push(piece.bytes);
    end += piece.bytes.length;
  }
  return { offset: first.offset, bytes: Buffer.concat(bytes) };
}

/** Why nothing more comes; undefined while something may. */
function endOf(
  { what = 'build', lastWords = usualLastWords }: FollowBuildLog,
  state: BuildLogState,
  at: number,
): string | undefined {
  if (isGone(state)) return noLongerKept().message;
  const isRead = at >= state.size && Date.now() - state.modifiedAt >= lastWords;
  return isRead ? `the ${what} has ended` : undefined;
}

/** For a log that was given up. */
export function noLongerKept(): EkidenError {
  return new EkidenError('The log is no longer kept.', {
    ...{ code: 'E_LOG_GONE', status: 410, mendedBy: 'administrator' },
    hint: 'EKIDEN_BUILD_LOG_DAYS and EKIDEN_BUILD_LOG_MEMORY say how long logs are kept.',
  });
}

function leftOut(bytes: number): Buffer {
  return Buffer.from(`\n[${bytes} bytes are no longer kept here]\n`);
}

/** Waits for a hint, or for the next look without one. */
function createNews({ store, build, signal }: FollowBuildLog) {
  let isNews = false;
  let wake = () => {};
  const close = store.listen(build, () => {
    isNews = true;
    wake();
  });
  return {
    close,
    /** True where it was a hint. */
    async next(): Promise<boolean> {
      if (!isNews && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(() => wake(), lookEvery);
          wake = () => {
            clearTimeout(timer);
            signal.removeEventListener('abort', wake);
            resolve();
          };
          signal.addEventListener('abort', wake, { once: true });
        });
      }
      const wasNews = isNews;
      isNews = false;
      return wasNews;
    },
  };
}
