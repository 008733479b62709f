/** The file in which a build tells what it does. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BuildLogs, createBuildLogs } from '../../src/build/build-log.ts';

let folder: string;
let logs: BuildLogs;

beforeEach(async () => {
  folder = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'logs-'));
  logs = createBuildLogs(join(folder, 'builds'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

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
    const text = (await logs.read('b1')) ?? '';
    expect(text.length).toBeLessThan(65 * 1024 * 1024);
    expect(text.endsWith('\n[the log was cut here]\n')).toBe(true);
  });

  it('that cannot be written does not end the build', async () => {
    await mkdir(join(folder, 'builds', 'b1.log'), { recursive: true });
    const log = await logs.open('b1');
    log.write('nobody reads this\n');
    await log.close();
    log.write('nor this\n');
    expect(await logs.read('b1')).toBeUndefined();
  });
});
