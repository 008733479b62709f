/** An archive on its way from GitLab into a file, from which all who want it read while it grows. */
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { PassThrough, pipeline, Readable } from 'node:stream';
import { coalesce } from '../context/tar-flow.ts';

export interface DownloadOptions {
  source: Readable;
  /** Made anew, and left to the caller. */
  file: string;
  /** Asked before bytes are written: what it refuses, or the disk, goes to the readers alone. */
  take: (bytes: number) => Promise<boolean>;
}

export interface Download {
  /** From the first byte on; undefined once some bytes were not written to the file. The download ends when all readers close it early. */
  read(): Readable | undefined;
  /** True when the file holds all, false when it does not; every reader is told what went wrong. */
  readonly ended: Promise<boolean>;
  /** Nobody new reads it from here on: its file is closed with the last reader. */
  release(): Promise<void>;
}

/** A reader takes pieces of this size from the file, and holds as much of what is not written there. */
const pieceSize = 256 * 1024;

interface State {
  source: Readable;
  handle: FileHandle | undefined;
  /** Bytes that are in the file. */
  written: number;
  /** Bytes go to the readers alone from here on. */
  isSpilled: boolean;
  isEnded: boolean;
  isReleased: boolean;
  error: unknown;
  readers: Set<PassThrough>;
  /** Wakes the readers that wait for more. */
  wake: () => void;
  more: Promise<void>;
}

export function startDownload({ source, file, take }: DownloadOptions): Download {
  const state: State = {
    source,
    handle: undefined,
    written: 0,
    isSpilled: false,
    isEnded: false,
    isReleased: false,
    error: undefined,
    readers: new Set(),
    wake: () => undefined,
    more: Promise.resolve(),
  };
  tell(state);
  // It may break off before anybody listens; whoever reads it is told then.
  source.on('error', () => undefined);
  const ended = pump(state, file, take);
  return {
    ended,
    async release() {
      state.isReleased = true;
      await closeUnused(state);
    },
    read() {
      if (state.isSpilled || state.error !== undefined) return undefined;
      return createReader(state);
    },
  };
}

/** Lets those who wait look again. */
function tell(state: State): void {
  state.wake();
  state.more = new Promise((resolve) => {
    state.wake = resolve;
  });
}

async function pump(state: State, file: string, take: DownloadOptions['take']): Promise<boolean> {
  try {
    // A disk that refuses is no reason to fail: readers then get the archive without it.
    state.handle = await open(file, 'wx+').catch(() => undefined);
    if (state.handle === undefined) state.isSpilled = true;
    // What comes in small pieces would be written in as many calls of the system.
    const pieces = pipeline(state.source, coalesce(), () => undefined);
    for await (const chunk of pieces as AsyncIterable<Buffer>) {
      if (!state.isSpilled && !(await keep(state, chunk, take))) state.isSpilled = true;
      if (state.isSpilled) await handOver(state, chunk);
      tell(state);
    }
  } catch (error) {
    state.error = error;
  }
  state.isEnded = true;
  for (const beyond of state.readers) beyond.end();
  tell(state);
  if (state.isSpilled || state.error !== undefined) return false;
  // The readers have it all by now, and wait for no disk.
  return await reachesDisk(state.handle);
}

async function reachesDisk(handle: FileHandle | undefined): Promise<boolean> {
  try {
    await handle?.datasync();
    return true;
  } catch {
    return false;
  }
}

async function keep(state: State, chunk: Buffer, take: DownloadOptions['take']): Promise<boolean> {
  try {
    if (!(await take(chunk.length))) return false;
    let done = 0;
    while (done < chunk.length) {
      const result = await state.handle?.write(
        chunk,
        done,
        chunk.length - done,
        state.written + done,
      );
      done += result?.bytesWritten ?? 0;
    }
    state.written += chunk.length;
    return true;
  } catch {
    return false;
  }
}

/** The slowest reader sets the pace. */
async function handOver(state: State, chunk: Buffer): Promise<void> {
  tell(state);
  await Promise.all(
    [...state.readers].map(async (beyond) => {
      if (beyond.destroyed || beyond.write(chunk)) return;
      await drained(beyond);
    }),
  );
}

/** Also when it is closed. What is not heard is not listened for any more. */
async function drained(beyond: PassThrough): Promise<void> {
  const heard = new AbortController();
  const { signal } = heard;
  const either = [once(beyond, 'drain', { signal }), once(beyond, 'close', { signal })];
  await Promise.race(either).catch(() => undefined);
  heard.abort();
  await Promise.allSettled(either);
}

function createReader(state: State): Readable {
  // Known from here on, so that a spill before its first read reaches it.
  const beyond = new PassThrough({ highWaterMark: pieceSize });
  state.readers.add(beyond);
  const spilled = beyond[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let at = 0;

  /** The next piece; undefined at the end. */
  async function next(): Promise<Buffer | undefined> {
    for (;;) {
      const { more } = state;
      if (at < state.written) {
        const piece = await readPiece(state, at);
        at += piece.length;
        return piece;
      }
      if (state.isSpilled) {
        const { value, done } = await spilled.next();
        if (!done) return value;
      }
      if (state.error !== undefined) throw state.error;
      if (state.isSpilled || state.isEnded) return undefined;
      await more;
    }
  }

  return new Readable({
    highWaterMark: pieceSize,
    read() {
      next().then(
        (piece) => this.push(piece ?? null),
        (error) => this.destroy(error),
      );
    },
    // Not by a generator: that would not hear of it while it waits for a GitLab that hangs.
    destroy(error, done) {
      leave(state, beyond).then(() => done(error), done);
    },
  });
}

async function readPiece({ handle, written }: State, at: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.min(pieceSize, written - at));
  const { bytesRead = 0 } = (await handle?.read(buffer, 0, buffer.length, at)) ?? {};
  if (bytesRead === 0) throw new Error('the file of the archive lost its end');
  return buffer.subarray(0, bytesRead);
}

async function leave(state: State, beyond: PassThrough): Promise<void> {
  beyond.destroy();
  state.readers.delete(beyond);
  if (state.readers.size === 0 && !state.isEnded) {
    // At once, since somebody may come before the source tells of its end.
    const error = new Error('nobody wants the archive any more');
    state.error = error;
    state.source.destroy(error);
  }
  await closeUnused(state);
}

async function closeUnused(state: State): Promise<void> {
  const { handle } = state;
  if (!state.isReleased || state.readers.size > 0 || handle === undefined) return;
  state.handle = undefined;
  await handle.close().catch(() => undefined);
}
