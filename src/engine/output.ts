/** Follows what a container prints into the files `stdout` and `stderr` of its sandbox. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Docker } from '../clients/docker.ts';
import { openCappedFile } from './capped-file.ts';

const MAX_BYTES = 64 * 1024 * 1024;

export interface FollowOptions {
  docker: Docker;
  containerId: string;
  sandbox: string;
  /** A terminal has one stream without frames, which all goes to `stdout`. */
  tty: boolean;
  signal: AbortSignal;
}

/**
 * Resolves when the container has ended and everything is written, or when `signal` fires.
 * After a restart it goes on from the time of the last write, so nothing is written twice.
 */
export async function followOutput(options: FollowOptions): Promise<void> {
  const { docker, containerId, sandbox, tty, signal } = options;
  const since = await lastWrite(sandbox);
  const stream = (await docker.getContainer(containerId).logs({
    follow: true,
    stdout: true,
    stderr: true,
    since,
    abortSignal: signal,
  })) as unknown as NodeJS.ReadableStream;
  const stdout = await openCappedFile(join(sandbox, 'stdout'), MAX_BYTES);
  const stderr = await openCappedFile(join(sandbox, 'stderr'), MAX_BYTES);
  try {
    const sink = tty
      ? writing((chunk) => stdout.append(chunk))
      : demultiplexed((kind, chunk) => (kind === 2 ? stderr : stdout).append(chunk));
    await pipeline(stream, sink);
  } finally {
    await stdout.close();
    await stderr.close();
  }
}

/** Seconds with a fraction, as Docker's `since` reads them; 0 for the first time. */
async function lastWrite(sandbox: string): Promise<number> {
  const times = await Promise.all(
    ['stdout', 'stderr'].map(async (name) => {
      const info = await stat(join(sandbox, name)).catch(() => undefined);
      return info && info.size > 0 ? info.mtimeMs : 0;
    }),
  );
  return Math.max(...times) / 1000;
}

function writing(write: (chunk: Buffer) => Promise<void>): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      write(chunk).then(() => done(), done);
    },
  });
}

const HEADER_BYTES = 8;

/** Takes Docker's stream apart: eight bytes (kind, three zeros, length) before each piece. */
export function demultiplexed(write: (kind: number, chunk: Buffer) => Promise<void>): Writable {
  let header = Buffer.alloc(0);
  let kind = 0;
  let left = 0;
  return writing(async (chunk) => {
    let rest = chunk;
    while (rest.length > 0) {
      if (left === 0) {
        const missing = HEADER_BYTES - header.length;
        header = Buffer.concat([header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (header.length < HEADER_BYTES) return;
        kind = header.readUInt8(0);
        left = header.readUInt32BE(4);
        header = Buffer.alloc(0);
      }
      const piece = rest.subarray(0, left);
      rest = rest.subarray(piece.length);
      left -= piece.length;
      if (piece.length > 0) await write(kind, piece);
    }
  });
}
