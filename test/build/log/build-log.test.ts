/** The file in which a build tells what it does. */
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BuildLogs, createBuildLogs } from '../../../src/build/log/build-log.ts';

let folder: string;
let logs: BuildLogs;

beforeEach(async () => {
  folder = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'logs-'));
  logs = createBuildLogs(join(folder, 'builds'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const limit = 64 * 1024 * 1024;
const cut = '\n[the log was cut here]\n';

describe('a build log', () => {
  it('goes on where an earlier try ended', async () => {
    for (const text of ['first ', 'second\n']) {
      const log = await logs.open('b1');
      log.write(text);
      await log.close();
    }
    expect(await logs.read('b1')).toBe('first second\n');
  });

  it('is none where nothing was said, or where the name is no id', async () => {
    await writeFile(join(folder, 'secret.log'), 'x');
    expect(await logs.read('b2')).toBeUndefined();
    expect(await logs.read('../secret')).toBeUndefined();
  });

  it('says when it was cut', async () => {
    const log = await logs.open('b1');
    const piece = 'x'.repeat(1024 * 1024);
    for (let mebibytes = 0; mebibytes < 70; mebibytes += 1) log.write(piece);
    await log.close();
    const { size } = await stat(join(folder, 'builds', 'b1.log'));
    expect(size).toBe(limit + Buffer.byteLength(cut));
    expect(await logs.tail('b1', cut.length)).toBe(cut);
  });

  it('is measured in bytes, and over all tries', async () => {
    const piece = '駅'.repeat(1024 * 1024);
    for (let tries = 0; tries < 3; tries += 1) {
      const log = await logs.open('b1');
      for (let pieces = 0; pieces < 10; pieces += 1) log.write(piece);
      await log.close();
    }
    const { size } = await stat(join(folder, 'builds', 'b1.log'));
    expect(size).toBeLessThanOrEqual(limit + Buffer.byteLength(cut));
    expect(size).toBeGreaterThan(limit - Buffer.byteLength(piece));
  });

  it.each([
    ['more than there is', 100, 'ab駅c'],
    ['all of it', 6, 'ab駅c'],
    ['a part', 4, '駅c'],
    ['a part that begins within a character', 3, 'c'],
    ['nothing', 0, ''],
  ])('shows from its end %s', async (_, bytes, wanted) => {
    const log = await logs.open('b1');
    log.write('ab駅c');
    await log.close();
    expect(await logs.tail('b1', bytes)).toBe(wanted);
  });

  it('streams what is there while more is written', async () => {
    const log = await logs.open('b1');
    log.write('first\n');
    await expect.poll(() => logs.read('b1')).toBe('first\n');
    const stream = await logs.stream('b1');
    expect(stream && (await text(stream))).toBe('first\n');
    await log.close();
  });

  it.each(['b2', '../secret', 'folder'])(
    'has neither end nor stream where it is none: %s',
    async (id) => {
      await writeFile(join(folder, 'secret.log'), 'x');
      await mkdir(join(folder, 'builds', 'folder.log'), { recursive: true });
      expect(await logs.tail(id, 10)).toBeUndefined();
      expect(await logs.stream(id)).toBeUndefined();
    },
  );

  it('that cannot be written does not end the build', async () => {
    await mkdir(join(folder, 'builds', 'b1.log'), { recursive: true });
    const log = await logs.open('b1');
    log.write('nobody reads this\n');
    await log.close();
    log.write('nor this\n');
    expect(await logs.read('b1')).toBeUndefined();
  });
});
