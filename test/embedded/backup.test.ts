/** The backup of a Redis that runs: it rewrites no file meanwhile, and goes on as before afterwards. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectRedis, type Redis } from '../../src/clients/redis.ts';
import { silent } from '../../src/core/log.ts';
import { backUp } from '../../src/embedded/backup.ts';
import { startRedis } from '../../src/embedded/redis.ts';
import { packageFolder } from '../../src/paths.ts';
import { poll } from '../demo/poll.ts';
import { makeFolder } from '../support/redis.ts';

const setting = 'auto-aof-rewrite-percentage';

async function start() {
  const data = await makeFolder();
  const server = await startRedis({ data, env: { PATH: process.env['PATH'] }, log: silent });
  onTestFinished(() => server.stop());
  const redis = connectRedis({ url: server.url });
  onTestFinished(() => redis.disconnect());
  return { data, redis, folder: await makeFolder() };
}

async function growthOf(redis: Redis): Promise<string | undefined> {
  return ((await redis.config('GET', setting)) as string[])[1];
}

/** How often the settings of the server were changed. */
async function changesOf(redis: Redis): Promise<number> {
  const [, calls = 0] = /config\|set:calls=(\d+)/.exec(await redis.info('commandstats')) ?? [];
  return Number(calls);
}

test('a Redis that runs is kept from rewriting its file, until the backup is there', async () => {
  const { data, redis, folder } = await start();
  await redis.config('SET', setting, '70');
  await backUp({ data, file: join(folder, 'backup.tar') });
  expect(await changesOf(redis)).toBe(3);
  expect(await growthOf(redis)).toBe('70');
});

test('what a backup that was killed has left behind is mended by the next one', async () => {
  const { data, redis, folder } = await start();
  await redis.config('SET', setting, '0');
  await backUp({ data, file: join(folder, 'backup.tar') });
  expect(await growthOf(redis)).toBe('100');
});

test('the socket of a Redis that was killed does not stop a backup', async () => {
  const data = await makeFolder();
  const socket = join(data, 'redis.sock');
  const script = `require('net').createServer().listen('${socket}', () => process.kill(process.pid, 9))`;
  await once(spawn(process.execPath, ['-e', script]), 'exit');
  await mkdir(join(data, 'redis'));
  await rename(socket, join(data, 'redis/redis.sock'));
  const file = join(await makeFolder(), 'backup.tar');
  expect(await backUp({ data, file })).toEqual(['redis']);
});

/** A folder with a tar that does not end by itself, for a PATH. */
async function slowTar(): Promise<string> {
  const folder = await makeFolder();
  await writeFile(join(folder, 'tar'), '#!/bin/sh\nexec sleep 300\n', { mode: 0o755 });
  return folder;
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  'a backup that gets %s leaves nothing',
  async (signal) => {
    const { data, redis, folder } = await start();
    const env = { EKIDEN_DATA: data, PATH: `${await slowTar()}:${process.env['PATH']}` };
    const args = [join(packageFolder, 'dist/runners/cli.js'), 'backup', join(folder, 'backup.tar')];
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await poll(async () => (await growthOf(redis)) === '0' || undefined, {
      ...{ within: 50_000, what: 'a Redis that is kept from rewriting its file' },
    });
    expect(await readdir(folder)).toEqual(['backup.tar.part']);
    child.kill(signal);
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(said).toBe('ekiden: The backup was given up.\n');
    expect(await growthOf(redis)).toBe('100');
    expect(await readdir(folder)).toEqual([]);
  },
);
