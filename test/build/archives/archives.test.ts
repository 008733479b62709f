/** Archives on the disk and on their way: asked for once, kept whole or not at all, and never in the way of a build. */
import { mkdir, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createArchiveCache } from '../../../src/build/archives/archive-cache.ts';
import { createArchives } from '../../../src/build/archives/archives.ts';
import { silent } from '../../../src/core/log.ts';
import { key, openRig, type Rig, size, tar } from './rig.ts';

let folder: Rig['folder'];
let open: Rig['open'];
let kept: Rig['kept'];
let diskOf: Rig['diskOf'];
let keepOne: Rig['keepOne'];

beforeEach(async () => {
  ({ folder, open, kept, diskOf, keepOne } = await openRig());
});

describe('what was read before', () => {
  it('comes from the disk, also after a restart', async () => {
    const first = open();
    await keepOne(first);
    for (const archives of [first, open()]) {
      const asked = archives.sent.length;
      expect((await buffer(await archives.read())).equals(tar)).toBe(true);
      expect(archives.sent).toHaveLength(asked);
    }
  });

  it('is another one for another commit, folder or project', async () => {
    const archives = open();
    await keepOne(archives);
    await keepOne(archives, { sha: 'f01' });
    await keepOne(archives, { path: 'web' });
    await keepOne(archives, { project: 11 });
  });

  it('is unpacked where it came packed', async () => {
    const archives = open({}, 'tar.gz');
    const reading = buffer(await archives.read());
    archives.sent[0]?.end(gzipSync(tar));
    expect((await reading).equals(tar)).toBe(true);
    await expect.poll(kept).toEqual([expect.stringMatching(/\.tar\.gz$/)]);
    expect((await buffer(await archives.read())).equals(tar)).toBe(true);
    expect(archives.sent).toHaveLength(1);
  });

  it('is not served when its file lost its end', async () => {
    const archives = open();
    await keepOne(archives);
    const [name = ''] = await kept();
    await truncate(join(folder, name), 1000);
    const reading = buffer(await archives.read());
    archives.sent[1]?.end(tar);
    expect((await reading).equals(tar)).toBe(true);
  });

  it('is asked for again once it was of no use', async () => {
    const archives = open();
    await keepOne(archives);
    await archives.forget(key);
    await keepOne(archives);
  });

  it('goes when there is too much, the longest unused first', async () => {
    const archives = open({ limit: 2.5 * size });
    await keepOne(archives);
    await keepOne(archives, { sha: 'f01' });
    const past = new Date(Date.now() - 60_000);
    for (const name of await kept()) await utimes(join(folder, name), past, past);
    await buffer(await archives.read());
    const reading = buffer(await archives.read({ sha: 'f02' }));
    archives.sent[2]?.end(tar);
    await reading;
    await expect
      .poll(async () => (await kept()).map((name) => name.split('-')[1]).sort())
      .toEqual(['f00', 'f02']);
  });

  it('takes what a process left that died away with it', async () => {
    const past = new Date(Date.now() - 24 * 60 * 60_000);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'old.part'), 'x');
    await utimes(join(folder, 'old.part'), past, past);
    await writeFile(join(folder, 'new.part'), 'x');
    await keepOne(open());
    await expect.poll(() => readdir(folder)).toHaveLength(2);
    expect(await readdir(folder)).toContain('new.part');
  });
});

describe('two that want the same at once', () => {
  it('ask once, and both get all, also who comes in the middle', async () => {
    const archives = open();
    const [one, two] = await Promise.all([archives.read(), archives.read()]);
    const reading = [buffer(one), buffer(two)];
    archives.sent[0]?.write(tar.subarray(0, 500_000));
    await expect
      .poll(() => one.readableFlowing !== null && archives.sent[0]?.readableLength)
      .toBe(0);
    reading.push(buffer(await archives.read()));
    archives.sent[0]?.end(tar.subarray(500_000));
    for (const read of reading) expect((await read).equals(tar)).toBe(true);
    expect(archives.sent).toHaveLength(1);
  });

  it('are both told what went wrong, and nothing is kept', async () => {
    const archives = open();
    const reading = await Promise.all([archives.read(), archives.read()]);
    const ends = reading.map((stream) => buffer(stream).catch((error: Error) => error.message));
    archives.sent[0]?.write(tar.subarray(0, 500_000));
    archives.sent[0]?.destroy(new Error('terminated'));
    expect(await Promise.all(ends)).toEqual(['terminated', 'terminated']);
    await expect.poll(() => readdir(folder)).toEqual([]);
    await keepOne(archives);
  });

  it('do not end each other', async () => {
    const archives = open();
    const cancel = new AbortController();
    const [one, two] = await Promise.all([
      archives.read({ signal: cancel.signal }),
      archives.read(),
    ]);
    const ends = [buffer(one).catch((error: Error) => error.name), buffer(two)];
    archives.sent[0]?.write(tar.subarray(0, 500_000));
    cancel.abort();
    expect(await ends[0]).toBe('AbortError');
    archives.sent[0]?.end(tar.subarray(500_000));
    expect((await ends[1])?.length).toBe(tar.length);
  });
});

describe('a download', () => {
  it('ends when nobody wants it any more, also while GitLab hangs', async () => {
    const archives = open();
    const cancel = new AbortController();
    const reading = buffer(await archives.read({ signal: cancel.signal }));
    reading.catch(() => undefined);
    archives.sent[0]?.write(tar.subarray(0, 1000));
    await expect.poll(() => readdir(folder)).toHaveLength(1);
    cancel.abort();
    await expect(reading).rejects.toThrow();
    await expect.poll(() => archives.sent[0]?.destroyed).toBe(true);
    await expect.poll(() => readdir(folder)).toEqual([]);
  });

  it('goes to its readers alone once it is larger than all that may be kept', async () => {
    const archives = open({ limit: 600_000 });
    const [one, two] = await Promise.all([archives.read(), archives.read()]);
    const reading = [buffer(one), buffer(two)];
    Readable.from([0, 1, 2, 3, 4].map((n) => tar.subarray(n * 250_000, (n + 1) * 250_000))).pipe(
      archives.sent[0] ?? new PassThrough(),
    );
    for (const read of reading) expect((await read).equals(tar)).toBe(true);
    await expect.poll(() => readdir(folder)).toEqual([]);
  });

  it('gathers no listeners while it waits for slow readers', async () => {
    const warnings: string[] = [];
    const hear = (warning: Error) => warnings.push(warning.name);
    process.on('warning', hear);
    onTestFinished(() => void process.off('warning', hear));
    const archives = open({ limit: 1 });
    const reading = await archives.read();
    Readable.from(Array.from({ length: 60 }, () => Buffer.alloc(size))).pipe(
      archives.sent[0] ?? new PassThrough(),
    );
    let read = 0;
    for await (const piece of reading) {
      read += (piece as Buffer).length;
      await new Promise(setImmediate);
    }
    expect(read).toBe(60 * size);
    expect(warnings).toEqual([]);
  });

  it('goes on where the disk takes nothing', async () => {
    await rm(folder, { recursive: true });
    await writeFile(folder, 'no folder');
    const archives = open();
    const reading = buffer(await archives.read());
    archives.sent[0]?.end(tar);
    expect((await reading).equals(tar)).toBe(true);
  });

  it('goes on where others need the room of the disk', async () => {
    const archives = open({ reserve: Number.MAX_SAFE_INTEGER });
    const reading = buffer(await archives.read());
    archives.sent[0]?.end(tar);
    expect((await reading).equals(tar)).toBe(true);
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes the place of the one that was not used for longest where the disk is full', async () => {
    const archives = open({ free: diskOf(2.5 * size) });
    await keepOne(archives, { sha: 'a' });
    await keepOne(archives, { sha: 'b' });
    const [first = ''] = (await kept()).filter((name) => name.startsWith('1-a-'));
    await utimes(join(folder, first), 1, 1);
    const reading = buffer(await archives.read({ sha: 'c' }));
    archives.sent[2]?.end(tar);
    expect((await reading).equals(tar)).toBe(true);
    const names = [expect.stringMatching(/^1-b-/), expect.stringMatching(/^1-c-.*tar$/)];
    await expect.poll(async () => (await kept()).sort()).toEqual(names);
  });

  it('shares the room of the disk with others on their way', async () => {
    const archives = open({ free: diskOf(1.2 * size) });
    const readings = await Promise.all(['a', 'b'].map((sha) => archives.read({ sha })));
    const reading = readings.map((one) => buffer(one));
    for (const stream of archives.sent) stream.end(tar);
    for (const read of reading) expect((await read).equals(tar)).toBe(true);
    await expect
      .poll(async () => (await readdir(folder)).filter((name) => name.endsWith('.part')))
      .toEqual([]);
    expect((await kept()).length).toBeLessThan(2);
  });

  it('is not kept when it ends without its end', async () => {
    const archives = open();
    const reading = buffer(await archives.read());
    archives.sent[0]?.end(tar.subarray(0, 500_000));
    expect((await reading).length).toBe(500_000);
    await expect.poll(() => readdir(folder)).toEqual([]);
    await keepOne(archives);
  });

  it('fails where what came packed is damaged', async () => {
    const archives = open({}, 'tar.gz');
    const reading = buffer(await archives.read());
    archives.sent[0]?.end(gzipSync(tar).subarray(0, 200));
    await expect(reading).rejects.toThrow(/unexpected end of file/);
    await archives.forget(key);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a refusal', () => {
  it('reaches all who asked, and the next one asks again', async () => {
    let asked = 0;
    const source = {
      async fetch(): Promise<never> {
        asked++;
        throw new Error('GitLab is away');
      },
    };
    const cache = createArchiveCache({ folder, limit: size, log: silent });
    const archives = createArchives({ source, cache });
    const { signal } = new AbortController();
    const both = await Promise.allSettled([
      archives.open({ ...key, signal }),
      archives.open({ ...key, signal }),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(asked).toBe(1);
    await expect(archives.open({ ...key, signal })).rejects.toThrow('GitLab is away');
    expect(asked).toBe(2);
  });
});
