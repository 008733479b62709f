/** Archives that somebody asks for while their download ends, or is given up. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import {
  type ArchiveCache,
  createArchiveCache,
} from '../../../src/build/archives/archive-cache.ts';
import { createArchives } from '../../../src/build/archives/archives.ts';
import { silent } from '../../../src/core/log.ts';

/** Ends as a tar does. */
const tar = Buffer.concat([Buffer.alloc(100_000, 'a'), Buffer.alloc(1024)]);
const key = { project: 1, sha: 'f00', path: '' };

let folder: string;
let cache: ArchiveCache;

beforeEach(async () => {
  folder = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'archives-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }));
  cache = createArchiveCache({ folder, limit: 10 ** 6, reserve: 0, log: silent });
});

/** Archives from streams that a test holds in its hand. */
function open(change: Partial<ArchiveCache>) {
  const sent: PassThrough[] = [];
  const source = {
    async fetch() {
      const stream = new PassThrough();
      sent.push(stream);
      return { stream, format: 'tar' as const };
    },
  };
  const archives = createArchives({ source, cache: { ...cache, ...change } });
  const read = (signal = new AbortController().signal) => archives.open({ ...key, signal });
  return { read, sent };
}

it('reads on while its file is put away, and GitLab is asked once', async () => {
  let putAway: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    putAway = resolve;
  });
  const { read, sent } = open({
    async keep(...kept) {
      await held;
      await cache.keep(...kept);
    },
  });
  const first = buffer(await read());
  sent[0]?.end(tar);
  await first;
  expect((await buffer(await read())).equals(tar)).toBe(true);
  putAway();
  await expect.poll(() => readdir(folder)).toEqual([expect.stringMatching(/\.tar$/)]);
  expect(sent).toHaveLength(1);
});

it('is not given one that its last reader has just left', async () => {
  const { read, sent } = open({ find: async () => undefined });
  const cancel = new AbortController();
  const left = await read(cancel.signal);
  left.on('error', () => undefined);
  sent[0]?.write(tar.subarray(0, 1000));
  cancel.abort();
  const reading = buffer(await read());
  await expect.poll(() => sent.length).toBe(2);
  sent[1]?.end(tar);
  expect((await reading).equals(tar)).toBe(true);
});
