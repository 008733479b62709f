/** Archives of commits on the disk: what GitLab gave once for a commit and a folder never changes. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';

export interface ArchiveKey {
  project: number;
  sha: string;
  /** Folder in the repository, `` for all of it. */
  path: string;
}

export type ArchiveFormat = 'tar' | 'tar.gz';

export interface KeptArchive {
  file: string;
  format: ArchiveFormat;
}

export interface ArchiveCache {
  /** Counts as a use of it. */
  find(key: ArchiveKey): Promise<KeptArchive | undefined>;
  /** A file to write to, and the bytes that it may take; undefined where the disk has no room for it. */
  begin(): Promise<{ file: string; mostBytes: number } | undefined>;
  /** Keeps a file that was begun, if it is whole; others go, those longest unused first. */
  keep(file: string, key: ArchiveKey, format: ArchiveFormat): Promise<void>;
  discard(file: string): Promise<void>;
  forget(key: ArchiveKey): Promise<void>;
}

export interface ArchiveCacheOptions {
  folder: string;
  /** Bytes of all together. */
  limit: number;
  /** Bytes of the disk that are left to others. */
  reserve?: number;
  log: Log;
}

/** Docker and Redis may live on the same disk. */
const defaultReserve = 1024 ** 3;

/** A file that grows was written to a moment ago; older ones are of a process that died. */
const abandonedAfter = 60 * 60_000;

/** Names tell key, size and format, so that all survives a restart, and a file that lost its end is known. */
const namePattern = /^\d+-[0-9a-f]+-[0-9a-f]{16}\.(\d+)\.(tar|tar\.gz)$/;

export function createArchiveCache(options: ArchiveCacheOptions): ArchiveCache {
  const { folder, limit, reserve = defaultReserve, log } = options;
  return {
    async find(key) {
      for (const name of await filesOf(folder, key)) {
        const file = join(folder, name);
        const [, size, format] = namePattern.exec(name) ?? [];
        const found = await stat(file).catch(() => undefined);
        if (found?.size === Number(size)) {
          const now = new Date();
          await utimes(file, now, now).catch(() => undefined);
          return { file, format: format === 'tar' ? 'tar' : 'tar.gz' };
        }
        await rm(file, { force: true });
      }
      return undefined;
    },
    async begin() {
      try {
        await mkdir(folder, { recursive: true });
        const { bavail, bsize } = await statfs(folder);
        const mostBytes = Math.min(limit, bavail * bsize - reserve);
        return mostBytes > 0
          ? { file: join(folder, `${randomUUID()}.part`), mostBytes }
          : undefined;
      } catch (error) {
        log.warn({ folder, error: messageOf(error) }, 'archives cannot be kept');
        return undefined;
      }
    },
    async keep(file, key, format) {
      try {
        const { size } = await stat(file);
        if (!(await isWhole(file, size, format))) return await rm(file, { force: true });
        await rename(file, join(folder, `${nameOf(key)}.${size}.${format}`));
        await makeRoom(folder, limit);
      } catch (error) {
        log.warn({ folder, error: messageOf(error) }, 'an archive was not kept');
        await rm(file, { force: true }).catch(() => undefined);
      }
    },
    discard: (file) => rm(file, { force: true }).catch(() => undefined),
    async forget(key) {
      for (const name of await filesOf(folder, key)) await rm(join(folder, name), { force: true });
    },
  };
}

async function filesOf(folder: string, key: ArchiveKey): Promise<string[]> {
  const found = await readdir(folder).catch(() => []);
  return found.filter((name) => name.startsWith(`${nameOf(key)}.`) && namePattern.test(name));
}

/** Removes what died half-way, and what was not used for longest. */
async function makeRoom(folder: string, limit: number): Promise<void> {
  const files = await listing(folder);
  const isKept = ({ name }: { name: string }) => namePattern.test(name);
  const abandoned = files.filter((one) => !isKept(one) && Date.now() - one.usedAt > abandonedAfter);
  const kept = files.filter(isKept).sort((a, b) => b.usedAt - a.usedAt);
  let sum = 0;
  const tooMany = kept.filter(({ size }) => {
    sum += size;
    return sum > limit;
  });
  for (const { file } of [...abandoned, ...tooMany]) await rm(file, { force: true });
}

/** Sizes and last uses; what was removed meanwhile is left out. */
async function listing(folder: string) {
  const all = (await readdir(folder)).map(async (name) => {
    const file = join(folder, name);
    const found = await stat(file).catch(() => undefined);
    return found && { name, file, size: found.size, usedAt: found.mtimeMs };
  });
  return (await Promise.all(all)).filter((one) => one !== undefined);
}

function nameOf({ project, sha, path }: ArchiveKey): string {
  const place = createHash('sha256').update(path).digest('hex').slice(0, 16);
  return `${project}-${sha.replace(/[^0-9a-f]/g, '')}-${place}`;
}

/** A tar ends with two blocks of zeros; of a compressed one only its beginning can be told cheaply. */
async function isWhole(file: string, size: number, format: ArchiveFormat): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const length = format === 'tar' ? 1024 : 2;
    if (size < length) return false;
    const { buffer } = await handle.read(
      Buffer.alloc(length),
      0,
      length,
      format === 'tar' ? size - length : 0,
    );
    if (format === 'tar') return buffer.every((byte) => byte === 0);
    return buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await handle.close();
  }
}
