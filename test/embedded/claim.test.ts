/** One Ekiden alone runs on a data folder. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { identityOf } from '../../src/clients/processes.ts';
import { claimFolder } from '../../src/embedded/claim.ts';
import { makeFolder } from '../support/redis.ts';

/** The identity of a process that runs as long as the test. */
async function someone() {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  const identity = await identityOf(child.pid ?? 0);
  if (!identity) throw new Error('it did not start');
  return identity;
}

async function folderWith(record: string): Promise<string> {
  const data = await makeFolder();
  await mkdir(join(data, 'run'));
  await writeFile(join(data, 'run/up.json'), record);
  return data;
}

async function owner(data: string): Promise<unknown> {
  return JSON.parse(await readFile(join(data, 'run/up.json'), 'utf8'));
}

test('a folder is taken, and given back', async () => {
  const data = join(await makeFolder(), 'new');
  const release = await claimFolder(data);
  expect(await owner(data)).toEqual(await identityOf(process.pid));
  expect(await readdir(join(data, 'run'))).toEqual(['up.json']);
  await release();
  expect(await readdir(join(data, 'run'))).toEqual([]);
});

test('one that another Ekiden runs on is refused, and stays its own', async () => {
  const other = await someone();
  const data = await folderWith(JSON.stringify(other));
  await expect(claimFolder(data)).rejects.toMatchObject({
    message: `Ekiden already runs on ${data} (process ${other.pid}).`,
    hint: 'Stop it first, or set EKIDEN_DATA and EKIDEN_INSTALL to others.',
  });
  expect(await owner(data)).toEqual(other);
  expect(await readdir(join(data, 'run'))).toEqual(['up.json']);
});

test.each([
  ['of a process that has ended', '{"pid":1,"startTime":"never"}'],
  ['that is empty', ''],
  ['that is torn', '{"pid":1,"st'],
])('a record %s is taken over', async (_, record) => {
  const data = await folderWith(record);
  const release = await claimFolder(data);
  onTestFinished(release);
  expect(await owner(data)).toEqual(await identityOf(process.pid));
});

test('a folder that cannot be made is an error that names the setting', async () => {
  const file = join(await makeFolder(), 'file');
  await writeFile(file, '');
  await expect(claimFolder(file)).rejects.toMatchObject({
    message: expect.stringContaining(`The data folder ${file} cannot be used`),
    hint: expect.stringContaining('EKIDEN_DATA'),
  });
});
