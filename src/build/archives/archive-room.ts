/** The room on the disk for archives, which all share that are written at once. */
import { readdir, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';

export interface RoomOptions {
  folder: string;
  /** Bytes of all archives together. */
  limit: number;
  /** Bytes of the disk that are left to others. */
  reserve: number;
  /** Bytes of the disk that are free, by default asked of the system. */
  free?: (folder: string) => Promise<number>;
}

export interface Room {
  /** Looks at the disk again; false where there is no room at all. */
  look(): Promise<boolean>;
  /** Takes room for bytes that are about to be written; false where there is none. */
  take(bytes: number): Promise<boolean>;
  /** Removes what died half-way, and of archives beyond the limit those longest unused. */
  tidy(): Promise<void>;
}

/** Names tell key, size and format, so that all survives a restart, and a file that lost its end is known. */
export const namePattern = /^\d+-[0-9a-f]+-[0-9a-f]{16}\.(\d+)\.(tar|tar\.gz)$/;

/** A file that grows was written to a moment ago; older ones are of a process that died. */
const abandonedAfter = 60 * 60_000;

export function createRoom({ folder, limit, reserve, free = freeBytes }: RoomOptions): Room {
  // One after the other, so that no room is given twice and no archive goes for room that another made.
  const oneByOne = pLimit(1);
  let left = 0;

  async function measure(): Promise<void> {
    left = (await free(folder)) - reserve;
  }

  /** Removes those longest unused until there is so much room; none where that would not help. */
  async function clear(bytes: number): Promise<boolean> {
    await measure();
    if (left >= bytes) return true;
    const { abandoned, kept } = await listing(folder);
    const most = [...abandoned, ...kept].reduce((sum, { size }) => sum + size, left);
    if (most < bytes) return false;
    for (const { file } of [...abandoned, ...kept.toReversed()]) {
      await rm(file, { force: true });
      await measure();
      if (left >= bytes) return true;
    }
    return false;
  }

  return {
    look: () => oneByOne(() => clear(1)),
    take: (bytes) =>
      oneByOne(async () => {
        const hasRoom = left >= bytes || (await clear(bytes));
        if (hasRoom) left -= bytes;
        return hasRoom;
      }),
    tidy: () =>
      oneByOne(async () => {
        const { abandoned, kept } = await listing(folder);
        let sum = 0;
        const tooMany = kept.filter(({ size }) => {
          sum += size;
          return sum > limit;
        });
        for (const { file } of [...abandoned, ...tooMany]) await rm(file, { force: true });
      }),
  };
}

async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** What lies in the folder, those used last first; what was removed meanwhile is left out. */
async function listing(folder: string) {
  const all = (await readdir(folder)).map(async (name) => {
    const file = join(folder, name);
    const found = await stat(file).catch(() => undefined);
    return found && { name, file, size: found.size, usedAt: found.mtimeMs };
  });
  const files = (await Promise.all(all))
    .filter((one) => one !== undefined)
    .sort((a, b) => b.usedAt - a.usedAt);
  const isKept = ({ name }: { name: string }) => namePattern.test(name);
  return {
    abandoned: files.filter((one) => !isKept(one) && Date.now() - one.usedAt > abandonedAfter),
    kept: files.filter(isKept),
  };
}
