/** Archives of commits on the disk: what GitLab gave once for a commit and a folder never changes. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { createRoom, namePattern, type RoomOptions } from './archive-room.ts';

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

/** A file to write to. */
export interface BegunFile {
  file: string;
  /** Asked before bytes are written; false where there is no room for them. */
  take(bytes: number): Promise<boolean>;
}

export interface ArchiveCache {
  /** Counts as a use of it. */
  find(key: ArchiveKey): Promise<KeptArchive | undefined>;
  /** Undefined where the disk has no room for another file. */
  begin(): Promise<BegunFile | undefined>;
  /** Keeps a file that was begun, if it is whole; others go, those longest unused first. */
  keep(file: string, key: ArchiveKey, format: ArchiveFormat): Promise<void>;
  discard(file: string): Promise<void>;
  forget(key: ArchiveKey): Promise<void>;
}

export interface ArchiveCacheOptions extends Omit<RoomOptions, 'reserve'> {
  /** By default 1 GiB. */
  reserve?: number;
  log: Log;
}

/** Docker and Redis may live on the same disk. */
const defaultReserve = 1024 ** 3;

export function createArchiveCache(options: ArchiveCacheOptions): ArchiveCache {
  const { folder, limit, reserve = defaultReserve, log } = options;
  const room = createRoom({ ...options, reserve });
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
        if (!(await room.look())) return undefined;
        let taken = 0;
        return {
          file: join(folder, `${randomUUID()}.part`),
          async take(bytes) {
            taken += bytes;
            return taken <= limit && room.take(bytes);
          },
        };
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
        await room.tidy();
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
