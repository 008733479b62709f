/** A folder for archives, and archives from streams that a test holds in its hand. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, onTestFinished } from 'vitest';
import {
  type ArchiveCacheOptions,
  type ArchiveFormat,
  createArchiveCache,
} from '../../../src/build/archives/archive-cache.ts';
import { createArchives } from '../../../src/build/archives/archives.ts';
import { silent } from '../../../src/core/log.ts';

export const size = 1_000_000;
/** Ends as a tar does. */
export const tar = Buffer.concat([Buffer.alloc(size, 'a'), Buffer.alloc(1024)]);
export const key = { project: 1, sha: 'f00', path: '' };

export type Rig = Awaited<ReturnType<typeof openRig>>;

export async function openRig() {
  const folder = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'archives-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));

  /** Archives from streams that a test holds in its hand. */
  function open(change: Partial<ArchiveCacheOptions> = {}, format: ArchiveFormat = 'tar') {
    const sent: PassThrough[] = [];
    const cache = createArchiveCache({
      folder,
      limit: 10 * size,
      reserve: 0,
      log: silent,
      ...change,
    });
    const source = {
      async fetch() {
        const stream = new PassThrough();
        sent.push(stream);
        return { stream, format };
      },
    };
    const archives = createArchives({ source, cache });
    const read = (change: Partial<typeof key> & { signal?: AbortSignal } = {}) =>
      archives.open({ ...key, signal: new AbortController().signal, ...change });
    return { ...archives, read, sent };
  }

  const kept = async () => (await readdir(folder)).filter((name) => !name.endsWith('.part'));

  /** The free bytes of a disk that holds the folder alone. */
  function diskOf(bytes: number) {
    return async () => {
      const sizes = (await readdir(folder)).map((name) =>
        stat(join(folder, name)).then(
          (found) => found.size,
          () => 0,
        ),
      );
      return (await Promise.all(sizes)).reduce((rest, one) => rest - one, bytes);
    };
  }

  /** Fetches one and waits until it is kept. */
  async function keepOne(archives: ReturnType<typeof open>, change: Partial<typeof key> = {}) {
    const before = (await kept()).length;
    const count = archives.sent.length;
    const reading = buffer(await archives.read(change));
    archives.sent[count]?.end(tar);
    expect((await reading).equals(tar)).toBe(true);
    await expect.poll(async () => (await kept()).length).toBe(before + 1);
  }

  return { folder, open, kept, diskOf, keepOne };
}
