/** Copies what a container prints into the files `stdout` and `stderr` of its sandbox. */
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Docker } from '../../clients/docker.ts';
import { type CappedFile, openCappedFile } from './capped-file.ts';
import { createLineEnds, type LineEnds } from './line-ends.ts';
import { type Frame, framed, unframed } from './output-frames.ts';
import { createPlace, type Place } from './output-place.ts';
import {
  type Kind,
  lastWriteIn,
  type Replay,
  ReplayMismatch,
  replayOf,
  replaySince,
} from './output-replay.ts';

const MAX_BYTES = 64 * 1024 * 1024;

export interface OutputOptions {
  docker: Docker;
  containerId: string;
  sandbox: string;
  /** A terminal has one stream without frames, which all goes to `stdout`. */
  tty: boolean;
}

export interface Output {
  /**
   * Follows until Docker ends the stream or `signal` fires. While a container runs, Docker may end it
   * early, and often without the last line; a reading that begins after its end is whole. Goes on
   * where the last reading ended, and after a restart of the engine where the files end.
   */
  read(signal: AbortSignal): Promise<void>;
}

export function createOutput(options: OutputOptions): Output {
  const { sandbox, tty } = options;
  let place = createPlace();
  let lines = createLineEnds();
  let replay: Replay | undefined;

  return {
    read: async (signal) => {
      // What a terminal printed has no times: it is compared with the file at each reading.
      if (tty || !replay) replay = await replayOf(sandbox);
      const lastWrite = await lastWriteIn(sandbox);
      try {
        await copy(options, { place, lines, replay, signal });
      } catch (error) {
        if (!(error instanceof ReplayMismatch)) throw error;
        place = createPlace();
        lines = createLineEnds();
        replay = replaySince(lastWrite);
        await copy(options, { place, lines, replay, signal });
      }
    },
  };
}

interface Reading {
  place: Place;
  lines: LineEnds;
  replay: Replay;
  signal: AbortSignal;
}

async function copy(options: OutputOptions, reading: Reading): Promise<void> {
  const { place, replay, signal } = reading;
  const { docker, containerId, sandbox, tty } = options;
  const stream = (await docker.getContainer(containerId).logs({
    ...{ follow: true, stdout: true, stderr: true, timestamps: !tty },
    ...{ since: place.since() ?? replay.since, abortSignal: signal },
  })) as unknown as NodeJS.ReadableStream;
  const stdout = await openCappedFile(join(sandbox, 'stdout'), MAX_BYTES);
  const stderr = await openCappedFile(join(sandbox, 'stderr'), MAX_BYTES);
  place.begin();
  const take = async (frames: Frame[]) => {
    const fresh = tty ? frames : freshOf(frames, reading);
    await Promise.all([
      append(stdout, fresh, { kind: 1, replay }),
      append(stderr, fresh, { kind: 2, replay }),
    ]);
  };
  try {
    await pipeline(stream, tty ? unframed(take) : framed(take));
  } finally {
    await stdout.close();
    await stderr.close();
  }
}

function freshOf(frames: Frame[], { place, lines }: Reading): Frame[] {
  const fresh = frames.filter((frame) => place.isNew(frame));
  return fresh.map((frame) => ({ ...frame, text: lines.complete(frame) }));
}

/** One write for all frames: a task may print hundreds of thousands of lines a second. */
async function append(
  file: CappedFile,
  frames: Frame[],
  { kind, replay }: { kind: Kind; replay: Replay },
): Promise<void> {
  const own = frames.filter((frame) => frame.kind === kind);
  const fresh = Buffer.concat(own.map(({ text }) => replay.newOf(kind, text)));
  if (fresh.length > 0) await file.append(fresh);
}
