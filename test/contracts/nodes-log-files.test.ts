/** What log files must do, asked on their node and through it. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { appendFile, link, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { LogFiles, OpenLogFile } from '../../src/core/log-file.ts';
import { throughServer } from '../logs/remote.ts';
import { end, follow, instance, makeSandbox, outline, type Sandbox, until } from '../logs/rig.ts';

type Opener = (sandbox: Sandbox) => Promise<LogFiles>;

const variants: Record<string, Opener> = {
  'on the node': async ({ logFiles }) => logFiles,
  'through the node': async (sandbox) => (await throughServer(sandbox)).client.logFiles,
};

async function readAll(opened: OpenLogFile | undefined): Promise<string | undefined> {
  if (!opened) return undefined;
  const chunks: Uint8Array[] = [];
  for await (const chunk of opened.bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** The paths of all files that this process has open. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // It was closed since the list was read.
      return [];
    }
  });
}

describe.each(Object.entries(variants))('log files %s', (_name, open) => {
  async function setUp() {
    const sandbox = await makeSandbox();
    const { folder } = sandbox;
    return {
      ...sandbox,
      inLogs: (name: string) => join(folder, 'logs', name),
      files: await open(sandbox),
    };
  }

  test('are listed: output, and what lies in the folders of volumes', async () => {
    const { folder, files, inLogs } = await setUp();
    await writeFile(join(folder, 'stdout'), 'out');
    await writeFile(join(folder, 'stderr'), '');
    await writeFile(join(folder, 'stdout.1'), 'older');
    await writeFile(join(folder, 'secret.env'), 'not a log');
    await mkdir(join(folder, '.ssl'));
    await writeFile(join(folder, '.ssl/key.pem'), 'not a log');
    await mkdir(inLogs('a/b'), { recursive: true });
    await writeFile(inLogs('a/b/deep.log'), 'deep');
    await writeFile(inLogs('app.log'), 'hello');
    const listed = await files.list(instance);
    expect(listed?.map(({ path, size }) => `${path} ${size}`)).toEqual([
      'logs/a/b/deep.log 4',
      'logs/app.log 5',
      'stderr 0',
      'stdout 3',
      'stdout.1 5',
    ]);
    expect(Math.abs((listed?.[0]?.modifiedAt ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test('of an instance that nobody knows are none', async () => {
    const { files } = await setUp();
    expect(await files.list('unknown.instance-1')).toBeUndefined();
    expect(await files.open('unknown.instance-1', 'stdout')).toBeUndefined();
    const { signal } = new AbortController();
    const frames = files.follow('unknown.instance-1', 'stdout', { signal });
    await expect(frames[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'E_NO_INSTANCE',
    });
  });

  test.each([
    'with space.log',
    '100%.log',
    '%2e%2e.log',
    'größe 日志.log',
    'a+b&c=d#e?f.log',
    "it's\n.log",
  ])('may have any name: %s', async (name) => {
    const { files, inLogs } = await setUp();
    await writeFile(inLogs(name), name);
    expect((await files.list(instance))?.map(({ path }) => path)).toEqual([`logs/${name}`]);
    expect(await readAll(await files.open(instance, `logs/${name}`))).toBe(name);
    const following = follow(files, `logs/${name}`);
    await until(() => following.text() === name);
  });

  test('with names that are no UTF-8 are read by what the list calls them', async () => {
    const { files, inLogs } = await setUp();
    const name = Buffer.concat([
      Buffer.from(inLogs('bad-')),
      Buffer.from([0xff, 0xe4]),
      Buffer.from('.log'),
    ]);
    await writeFile(name, 'odd');
    const [file] = (await files.list(instance)) ?? [];
    expect(file?.path).toBe('logs/bad-\\xff\\xe4.log');
    expect(await readAll(await files.open(instance, file?.path ?? ''))).toBe('odd');
    const following = follow(files, file?.path ?? '');
    await until(() => following.text() === 'odd');
  });

  test('are read whole or in a range', async () => {
    const { files, inLogs } = await setUp();
    await writeFile(inLogs('app.log'), '0123456789');
    const read = async (start?: number, stop?: number) => {
      const range = {
        ...(start === undefined ? {} : { start }),
        ...(stop === undefined ? {} : { end: stop }),
      };
      return readAll(await files.open(instance, 'logs/app.log', range));
    };
    expect(await read()).toBe('0123456789');
    expect(await read(2, 4)).toBe('234');
    expect(await read(7)).toBe('789');
    expect(await read(-3)).toBe('789');
    expect(await read(-30)).toBe('0123456789');
    expect(await read(8, 100)).toBe('89');
    expect(await read(undefined, 0)).toBe('0');
    await expect(read(10)).rejects.toMatchObject({ code: 'E_RANGE', status: 416 });
    await expect(read(5, 4)).rejects.toMatchObject({ code: 'E_RANGE', status: 416 });
  });

  test('that are empty have no range', async () => {
    const { files, inLogs } = await setUp();
    await writeFile(inLogs('empty.log'), '');
    const opened = await files.open(instance, 'logs/empty.log');
    expect(opened?.file.size).toBe(0);
    expect(await readAll(opened)).toBe('');
    await expect(files.open(instance, 'logs/empty.log', { start: 0 })).rejects.toMatchObject({
      status: 416,
    });
  });

  test('tell by their identity when another file has the name', async () => {
    const { files, inLogs } = await setUp();
    const identity = async () => (await files.open(instance, 'logs/app.log'))?.identity;
    await writeFile(inLogs('app.log'), 'x'.repeat(300));
    const first = await identity();
    expect(first).toMatch(/^[\w-]+$/);
    await appendFile(inLogs('app.log'), 'more');
    expect(await identity()).toBe(first);
    await writeFile(inLogs('app.log'), 'y'.repeat(300));
    expect(await identity()).not.toBe(first);
    // File systems note births by the kernel's clock, which ticks a hundred times a second or more.
    const now = Date.now();
    await until(() => Date.now() > now + 10);
    await rm(inLogs('app.log'));
    await writeFile(inLogs('app.log'), 'x'.repeat(300));
    expect(await identity()).not.toBe(first);
  });

  test('are nothing outside, and nothing but files', async () => {
    const { folder, files, inLogs } = await setUp();
    const outside = `${folder}-outside`;
    await mkdir(outside);
    onTestFinished(() => rm(outside, { recursive: true }));
    await writeFile(join(outside, 'secret'), 'secret');
    await symlink(join(outside, 'secret'), inLogs('link.log'));
    await symlink('../../../../../../etc/passwd', inLogs('relative.log'));
    await symlink(outside, inLogs('folder'));
    await symlink(outside, join(folder, 'stderr'));
    await symlink('loop.log', inLogs('loop.log'));
    execFileSync('mkfifo', [inLogs('pipe.log')]);
    const server = createServer().listen(inLogs('socket.log'));
    onTestFinished(() => void server.close());
    await until(() => server.listening);
    await mkdir(inLogs('only-a-folder.log'));
    expect(await files.list(instance)).toEqual([]);
    const refused = [
      ...['logs/link.log', 'logs/relative.log', 'logs/folder/secret', 'logs/loop.log', 'stderr'],
      ...[
        'logs/pipe.log',
        'logs/socket.log',
        'logs/only-a-folder.log',
        'logs',
        'logs/',
        '/etc/passwd',
      ],
      ...[
        '../secret',
        'logs/../../secret',
        'logs/..',
        'logs//app.log',
        'logs/./app.log',
        '.',
        'stdout/',
      ],
      ...[
        'logs/a\0b',
        'secret.env',
        'stdout.1234',
        '\\x2e\\x2e/secret',
        'logs/\\x2e\\x2e/\\x2e\\x2e/etc',
      ],
      ...['logs/\\x2fetc', `logs/${'x'.repeat(5_000)}`],
    ];
    for (const path of refused)
      expect([path, await files.open(instance, path)]).toEqual([path, undefined]);
  });

  test('may be links that stay inside', async () => {
    const { files, inLogs } = await setUp();
    await writeFile(inLogs('app-1.log'), 'one');
    await symlink('app-1.log', inLogs('current.log'));
    await link(inLogs('app-1.log'), inLogs('hard.log'));
    expect(await readAll(await files.open(instance, 'logs/current.log'))).toBe('one');
    expect((await files.list(instance))?.map(({ path }) => path)).toEqual([
      'logs/app-1.log',
      'logs/hard.log',
    ]);
  });

  test('that are many or lie deep are listed up to a bound', async () => {
    const { files, inLogs } = await setUp();
    await mkdir(inLogs('1/2/3/4/5/6/7/8/9'), { recursive: true });
    await writeFile(inLogs('1/2/3/4/5/6/7/in.log'), '');
    await writeFile(inLogs('1/2/3/4/5/6/7/8/out.log'), '');
    expect((await files.list(instance))?.map(({ path }) => path)).toEqual([
      'logs/1/2/3/4/5/6/7/in.log',
    ]);
    await Promise.all(Array.from({ length: 1_100 }, (_, n) => writeFile(inLogs(`${n}.log`), '')));
    expect((await files.list(instance))?.length).toBe(1_000);
  });

  test('are followed from the start, from an offset, or from near the end', async () => {
    const { files, inLogs } = await setUp();
    await writeFile(inLogs('app.log'), '0123456789');
    const all = follow(files, 'logs/app.log');
    const some = follow(files, 'logs/app.log', { from: 4 });
    const last = follow(files, 'logs/app.log', { from: -2 });
    const beyond = follow(files, 'logs/app.log', { from: 1_000 });
    await until(() => all.text() === '0123456789' && some.text() === '456789');
    await until(() => last.text() === '89' && beyond.frames.length === 1);
    await appendFile(inLogs('app.log'), 'abc');
    for (const one of [all, some, last, beyond]) await until(() => one.text().endsWith('abc'));
    expect(last.frames[0]).toMatchObject({ type: 'position', offset: 8 });
    expect(beyond.frames[0]).toMatchObject({ type: 'position', offset: 10 });
    expect(beyond.text()).toBe('abc');
  });

  test('go on where a follower left, also after a rotation in between', async () => {
    const { files, inLogs } = await setUp();
    await writeFile(inLogs('app.log'), `${'x'.repeat(300)}\nfirst\n`);
    const before = follow(files, 'logs/app.log');
    await until(() => before.text().endsWith('first\n'));
    await before.stop();
    const position = before.frames.findLast(({ type }) => type === 'position');
    const identity = position?.type === 'position' ? position.identity : '';
    const from = before.text().length;
    await appendFile(inLogs('app.log'), 'second\n');
    const same = follow(files, 'logs/app.log', { from, identity });
    await until(() => same.text() === 'second\n');
    execFileSync('mv', [inLogs('app.log'), inLogs('app.log.1')]);
    await writeFile(inLogs('app.log'), 'third\n');
    const rotated = follow(files, 'logs/app.log', { from, identity });
    await until(() => rotated.text() === 'second\nthird\n');
    expect(outline(rotated.frames)).toEqual(['position', '7', 'rotated', 'position', '6']);
    const unknown = follow(files, 'logs/app.log', { from, identity: 'none' });
    await until(() => unknown.text() === 'third\n');
  });

  test('end with their instance, once all is read', async () => {
    const { files, folder, instance: known } = await setUp();
    await writeFile(join(folder, 'stdout'), 'last words');
    const following = follow(files, 'stdout');
    await until(() => following.text() === 'last words');
    end(known);
    await following.done;
    expect(following.frames.at(-1)).toEqual({ type: 'end', reason: 'the instance has ended' });
    const none = follow(files, 'logs/never.log');
    await none.done;
    expect(none.frames).toEqual([{ type: 'end', reason: 'the instance has ended' }]);
  });

  test('leave nothing open behind their followers', async () => {
    const { files, inLogs } = await setUp();
    await writeFile(inLogs('app.log'), 'text');
    const followers = Array.from({ length: 20 }, () => follow(files, 'logs/app.log'));
    await until(() => followers.every((each) => each.text() === 'text'));
    expect(openFiles()).toContain(inLogs('app.log'));
    for (const each of followers) await each.stop();
    await readAll(await files.open(instance, 'logs/app.log'));
    for await (const _ of (await files.open(instance, 'logs/app.log'))?.bytes ?? []) break;
    await files.open(instance, 'logs/app.log');
    await until(() => !openFiles().includes(inLogs('app.log')));
    expect(await readFile(inLogs('app.log'), 'utf8')).toBe('text');
  });
});
