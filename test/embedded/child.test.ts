/** A kept child: brought back when it dies, ended when it is to stop, with its output kept. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { groupMembers, identityOf, isAlive } from '../../src/clients/processes.ts';
import { SetupError } from '../../src/core/errors.ts';
import { silent } from '../../src/core/log.ts';
import { type ChildOptions, keepChild } from '../../src/embedded/child.ts';
import { makeFolder } from '../support/redis.ts';

let data: string;

beforeEach(async () => {
  data = await makeFolder();
});

const live = 'setInterval(() => {}, 1000);';

function options(script: string, change: Partial<ChildOptions> = {}): ChildOptions {
  // So a test knows each child that ever ran.
  const sayPid = `require('fs').appendFileSync('${data}/pids', process.pid + '\\n');`;
  return {
    name: 'part',
    command: process.execPath,
    args: ['-e', sayPid + script],
    env: { PATH: process.env['PATH'] },
    data,
    isReady: async () => (await pids()).length > 0,
    hint: 'Mend it.',
    log: silent,
    ...change,
  };
}

async function keep(given: ChildOptions) {
  const child = await keepChild(given);
  onTestFinished(() => child.stop());
  return child;
}

async function pids(): Promise<number[]> {
  const text = await readFile(join(data, 'pids'), 'utf8').catch(() => '');
  return text.split('\n').filter(Boolean).map(Number);
}

async function living(): Promise<number[]> {
  const found = await Promise.all((await pids()).map(async (pid) => [pid, await identityOf(pid)]));
  return found.flatMap(([pid, identity]) => (identity ? [pid as number] : []));
}

async function recorded(): Promise<number | undefined> {
  return JSON.parse(await readFile(join(data, 'run/part.json'), 'utf8').catch(() => '{}')).pid;
}

async function kill(pid: number | undefined): Promise<void> {
  if (pid === undefined) throw new Error('there is no child');
  process.kill(pid, 'SIGKILL');
}

const patience = { timeout: 25_000, interval: 20 };

test('a child that dies at once is an error with what it said last, and leaves no record', async () => {
  await mkdir(join(data, 'log'));
  await writeFile(join(data, 'log/part.log'), 'of an earlier time\n');
  const failed = keepChild(
    options(`console.error('no such disk'); process.exit(3);`, { isReady: async () => false }),
  );
  const error = await failed.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(SetupError);
  expect(error).toMatchObject({
    message: 'part does not start: it ended with 3\nno such disk',
    hint: 'Mend it.',
  });
  expect(await readdir(join(data, 'run'))).toEqual([]);
});

test('a command that is missing is an error, not a crash', async () => {
  const failed = keepChild(options('', { command: 'no-such-program' }));
  await expect(failed).rejects.toThrow('part does not start: spawn no-such-program ENOENT');
});

test('a stranger that answers for a child that has died is not taken for it', async () => {
  const failed = keepChild(
    options('process.exit(1);', {
      isReady: async () => {
        const [pid] = await pids();
        if (pid === undefined || (await identityOf(pid))) return false;
        // Node has to hear of the end too.
        await new Promise((wake) => setTimeout(wake, 50));
        return true;
      },
    }),
  );
  await expect(failed).rejects.toThrow('it ended with 1');
});

test('a child that dies comes back as often as it dies, and its output is kept', async () => {
  await keep(options(`console.log('I am', process.pid);${live}`));
  const log = () => readFile(join(data, 'log/part.log'), 'utf8');
  for (const count of [1, 2, 3]) {
    await vi.waitFor(async () => {
      const ran = await pids();
      expect(ran).toHaveLength(count);
      expect(await recorded()).toBe(ran.at(-1));
      expect(await log()).toBe(ran.map((pid) => `I am ${pid}\n`).join(''));
    }, patience);
    if (count < 3) await kill(await recorded());
  }
  expect(await living()).toEqual([(await pids()).at(-1)]);
});

test('a child that hangs at SIGTERM is killed, and its record goes', async () => {
  const child = await keep(options(`process.on('SIGTERM', () => {});${live}`));
  expect(await living()).toHaveLength(1);
  await child.stop();
  expect(await living()).toEqual([]);
  expect(await readdir(join(data, 'run'))).toEqual([]);
});

test('a stop while the child comes back leaves none alive', async () => {
  const given = options(live, { isReady: async () => (await pids()).length === 1 });
  const child = await keep(given);
  await kill(await recorded());
  await vi.waitFor(async () => expect(await pids()).toHaveLength(2), patience);
  await child.stop();
  expect(await living()).toEqual([]);
  expect(await readdir(join(data, 'run'))).toEqual([]);
});

test('a start that is given up ends what it started, and throws the reason', async () => {
  const abandon = new AbortController();
  const failed = keepChild(
    options(live, { isReady: async () => false, abandon: abandon.signal }),
  ).catch((reason: unknown) => reason);
  await vi.waitFor(async () => expect(await living()).toHaveLength(1), patience);
  const reason = new Error('no longer wanted');
  abandon.abort(reason);
  expect(await failed).toBe(reason);
  expect(await living()).toEqual([]);
});

test.each([
  ['an empty record', ''],
  ['a torn record', '{"pid":12,"star'],
  ['a record of another shape', '{"pid":"12"}'],
  ['a record of nobody', '{"pid":0,"startTime":"1"}'],
])('%s is none', async (_, text) => {
  await mkdir(join(data, 'run'));
  await writeFile(join(data, 'run/part.json'), text);
  await keep(options(live));
  expect(await recorded()).toBe((await pids())[0]);
});

test('what a killed Ekiden left is ended first, but not another process of its number', async () => {
  const left = spawn(process.execPath, ['-e', live], { detached: true, stdio: 'ignore' });
  onTestFinished(() => void left.kill('SIGKILL'));
  await once(left, 'spawn');
  const identity = await identityOf(left.pid ?? 0);
  if (!identity) throw new Error('it did not start');
  await mkdir(join(data, 'run'));
  const file = join(data, 'run/part.json');

  await writeFile(file, JSON.stringify({ ...identity, startTime: '1' }));
  await (await keep(options(live))).stop();
  expect(await isAlive(identity)).toBe(true);

  await writeFile(file, JSON.stringify(identity));
  await keep(options(live));
  expect(await groupMembers(identity.pid)).toEqual([]);
});

test('a log that has grown too long is put aside at the start', async () => {
  await mkdir(join(data, 'log'));
  const file = join(data, 'log/part.log');
  await writeFile(file, '');
  await truncate(file, 16 * 1024 * 1024 + 1);
  await keep(options(`console.log('fresh');${live}`));
  await vi.waitFor(async () => expect(await readFile(file, 'utf8')).toBe('fresh\n'), patience);
  expect((await stat(`${file}.1`)).size).toBe(16 * 1024 * 1024 + 1);
});

test('children go with a process that exits in a hurry', async () => {
  const script = `
    import { keepChild } from '${new URL('../../dist/src/embedded/child.js', import.meta.url)}';
    const none = () => {};
    await keepChild({ ...JSON.parse(process.argv[1]), isReady: async () => true,
      log: { debug: none, info: none, warn: none, error: none } });
    process.exit(1);`;
  const given = options(`process.on('SIGTERM', () => {});${live}`);
  const words = ['--input-type=module', '-e', script, JSON.stringify(given)];
  const hurried = spawn(process.execPath, words, { stdio: 'inherit' });
  const [code] = await once(hurried, 'exit');
  expect(code).toBe(1);
  const { pid } = JSON.parse(await readFile(join(data, 'run/part.json'), 'utf8'));
  await vi.waitFor(async () => expect(await identityOf(pid)).toBeUndefined(), patience);
});
