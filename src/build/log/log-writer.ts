/** Brings a text to where logs are kept, in pieces of some size; it waits for a store that is away, within limits. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { BuildLogStore } from '../../core/build-log.ts';
import { createWaitingBytes } from './waiting-bytes.ts';

export interface LogWriter {
  append(text: string): void;
  /** Resolves when little waits, or the store is away: then what comes is left out. */
  room(): Promise<void>;
  /** Resolves when all is kept, or the store was away for some seconds. */
  close(): Promise<void>;
}

/** Milliseconds in which small texts become one piece: a person sees no difference. */
const gather = 100;
/** Bytes of a piece; the store reads none that is much longer. */
export const longestPiece = 64 * 1024;
/** Bytes below which whoever writes much may go on. */
const lowWater = 1024 * 1024;
/** Milliseconds between tries while the store is away, and how long the end waits for it. */
const firstPause = 250;
const longestPause = 4_000;
const endPatience = 3_000;

type Store = Pick<BuildLogStore, 'append'>;

export function createLogWriter(store: Store, build: string): LogWriter {
  const waiting = createWaitingBytes();
  const keeper = createKeeper(store, build);
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function keepAll(): Promise<void> {
    do {
      await keeper.keep(waiting.take(longestPiece));
      if (waiting.size < lowWater) keeper.tellRoom();
    } while (waiting.size >= longestPiece && !keeper.isClosed);
  }

  function start(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    running ??= keepAll().finally(() => {
      running = undefined;
      keeper.tellRoom();
      if (waiting.size > 0) startSoon();
    });
    return running;
  }

  function startSoon(): void {
    timer ??= setTimeout(() => void start(), gather).unref();
  }

  return {
    append(text) {
      if (text === '' || keeper.isClosed) return;
      waiting.add(Buffer.from(text));
      if (waiting.size >= longestPiece) void start();
      else if (!running) startSoon();
    },
    room: async () => (waiting.size < lowWater ? undefined : keeper.room()),
    async close() {
      const cut = setTimeout(keeper.close, endPatience);
      waiting.end();
      // What comes while the last piece is kept waits still.
      while (running || (waiting.size > 0 && !keeper.isClosed)) await start();
      clearTimeout(cut);
      clearTimeout(timer);
    },
  };
}

/** Tries until the store has a piece, or it is closed. */
function createKeeper(store: Store, build: string) {
  const writer = randomUUID().slice(0, 13);
  const closing = new AbortController();
  let number = 0;
  let isAway = false;
  let onRoom: (() => void)[] = [];
  const tellRoom = () => {
    for (const tell of onRoom) tell();
    onRoom = [];
  };

  return {
    tellRoom,
    async keep(bytes: Buffer): Promise<void> {
      number += 1;
      for (let pause = firstPause; !closing.signal.aborted; pause *= 2) {
        isAway = await store.append({ build, writer, number, bytes }).then(no, yes);
        if (!isAway) return;
        tellRoom();
        const options = { signal: closing.signal, ref: false };
        await delay(Math.min(pause, longestPause), undefined, options).catch(() => undefined);
      }
    },
    /** Nobody waits for a store that is away. */
    async room(): Promise<void> {
      if (!isAway) await new Promise<void>((resolve) => onRoom.push(resolve));
    },
    close: () => closing.abort(),
    get isClosed() {
      return closing.signal.aborted;
    },
  };
}

const yes = () => true;
const no = () => false;
