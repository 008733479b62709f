/** Tells what of a container's output is written already, so that a new follower writes each byte once. */
import { lstat, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Standard output and standard error, as Docker numbers them. */
export type Kind = 1 | 2;

/** Docker's log does not begin with what the files hold: it was rotated, or they were cut. */
export class ReplayMismatch extends Error {}

export interface Replay {
  /** Seconds with a fraction, from which Docker is to tell; 0 for all. */
  since: number;
  /** What of a piece is new. @throws ReplayMismatch */
  newOf(kind: Kind, piece: Buffer): Buffer;
}

/** Larger files cost more to compare than the few lines are worth that may be lost or doubled. */
const MAX_COMPARED = 8 * 1024 * 1024;

const FILES = { 1: 'stdout', 2: 'stderr' } as const;

/** Compares Docker's log with the files byte by byte, from the beginning of both. */
export async function replayOf(sandbox: string): Promise<Replay> {
  const sizes = await Promise.all(Object.values(FILES).map((name) => sizeOf(sandbox, name)));
  if (Math.max(...sizes) > MAX_COMPARED) return replaySince(await lastWriteIn(sandbox));
  const known = { 1: await contentOf(sandbox, 1), 2: await contentOf(sandbox, 2) };
  return {
    since: 0,
    newOf: (kind, piece) => {
      const seen = known[kind].subarray(0, piece.length);
      if (!piece.subarray(0, seen.length).equals(seen)) throw new ReplayMismatch();
      known[kind] = known[kind].subarray(seen.length);
      return piece.subarray(seen.length);
    },
  };
}

/** Goes on from the time of the last write; what Docker told at that very moment may be missing. */
export function replaySince(lastWrite: number): Replay {
  return { since: lastWrite, newOf: (_kind, piece) => piece };
}

/** When one of the files was written last, in seconds since 1970; 0 where there is nothing in them. */
export async function lastWriteIn(sandbox: string): Promise<number> {
  const times = await Promise.all(
    Object.values(FILES).map(async (name) => {
      const info = await stat(join(sandbox, name)).catch(() => undefined);
      return info && info.size > 0 ? info.mtimeMs : 0;
    }),
  );
  return Math.max(...times) / 1000;
}

/** A link or a pipe that the task has put there counts for nothing. */
async function sizeOf(sandbox: string, name: string): Promise<number> {
  const info = await lstat(join(sandbox, name)).catch(() => undefined);
  return info?.isFile() ? info.size : 0;
}

async function contentOf(sandbox: string, kind: Kind): Promise<Buffer> {
  const size = await sizeOf(sandbox, FILES[kind]);
  return size > 0 ? readFile(join(sandbox, FILES[kind])) : Buffer.alloc(0);
}
