/** The log of a build on a disk that is full for a while. */
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { createBuildLogs } from '../../../src/build/log/build-log.ts';
import { makeFolder } from '../../support/redis.ts';

const run = promisify(execFile);

test('what the disk does not take is left out, a line says so, and the rest is there', async () => {
  const folder = await makeFolder();
  await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
  onTestFinished(async () => {
    await run('umount', ['--lazy', folder]);
  });
  const logs = createBuildLogs(folder);
  const write = async (text: string) => {
    const log = await logs.open('b1');
    log.write(text);
    await log.close();
  };
  await write('before\n');
  const log = await logs.open('b1');
  await writeFile(join(folder, 'ballast'), Buffer.alloc(1024 * 1024)).catch(() => undefined);
  log.write('x'.repeat(8_192));
  log.write('never written'.repeat(1_000));
  // All was tried once it is closed, and it takes more even then.
  await log.close();
  await rm(join(folder, 'ballast'));
  log.write('behind\n');
  await log.close();
  expect(await logs.read('b1')).toMatch(
    /^before\nx*\n\[\d+ bytes are missing here: the disk did not take them\]\nbehind\n$/,
  );
});
