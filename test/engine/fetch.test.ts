/** Files that an app has fetched: read from addresses of every kind, laid into the sandbox, unpacked, bounded to it. */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { create } from 'tar';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ArtifactInput,
  artifactOf,
  artifactOfUri,
  artifactProblem,
  targetOf,
} from '../../src/engine/fetch/artifact.ts';
import { fetchInto } from '../../src/engine/fetch/fetcher.ts';
import { freeAddresses } from '../demo/free-ports.ts';
import { makeFolder } from '../support/redis.ts';
import { plain, startTestEngine, until } from './harness.ts';

/** `in/hello.txt` with "hello", packed in ways that this machine may have no program for. */
const PACKED = {
  'a.zip':
    'UEsDBAoAAAAAAAxrdl0gMDo2BgAAAAYAAAAMAAAAaW4vaGVsbG8udHh0aGVsbG8KUEsBAh4DCgAAAAAADGt2XSAwOjYGAAAABgAAAAwAAAAAAAAAAQAAAKSBAAAAAGluL2hlbGxvLnR4dFBLBQYAAAAAAQABADoAAAAwAAAAAAA=',
  'a.tar.xz':
    '/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4Cf/AHldADSbgd6V4XBV4z1CMml63EiHhnGRcYgvWxVlJhsyiWdR8jQlVBiX94gaA/QxELVdnTDmjBCUPLm/SMR+2wtMk828jt3Q3SWZh2FHJs8LO9oIy5th6nTk5RBFUdUlSkgX4M9WERhDH1MFD3Z0YJzmpUZjmUvANepNTwAAAAAAjf5HCFZhCKQAAZUBgFAAABbiezKxxGf7AgAAAAAEWVo=',
  'a.tar.bz2':
    'QlpoOTFBWSZTWUu5fkEAAJB7hMmQAFBAAf+ABAJiZZ5AAACACCAAdQlIIaBoAyBoAVSSaaNNND1BoDT1NqfVZYb56lsQL7oREOSd15hzk3NhxSRBYHS0YSFjJDZhESEZxDVqKKoPW58dFUjlBmcn3fzZmookyMijBm0WqyVaVT2og/i7kinChIJdy/II',
};

const has = (program: string) =>
  spawnSync(program, ['--version'], { input: '' }).error === undefined;

describe('an artifact', () => {
  it.each<[string, boolean]>([
    ['http://x/a.tar.gz', true],
    ['http://x/a.tgz', true],
    ['/a.zip', true],
    ['http://x/a.gz', true],
    ['http://x/a.jar', false],
    ['http://x/a', false],
  ])('of the old form %s is unpacked: %s', (uri, extract) => {
    expect(artifactOfUri(uri)).toEqual({ uri, extract, executable: false, cache: false });
  });

  it.each<[ArtifactInput, string]>([
    [{ uri: 'http://x/a/b%20c.txt?token=1' }, 'b c.txt'],
    [{ uri: 'file:///etc/docker.tar.gz' }, 'docker.tar.gz'],
    [{ uri: '/etc/docker.tar.gz' }, 'docker.tar.gz'],
    [{ uri: 'https://x/', destPath: 'a/b' }, 'a/b'],
  ])('of %o goes to %s', (input, path) => expect(targetOf(artifactOf(input))).toBe(path));

  it.each<[ArtifactInput, string | undefined]>([
    [{ uri: 'http://x/a' }, undefined],
    [{ uri: 'hdfs://x/a' }, 'uri'],
    [{ uri: 'a' }, 'uri'],
    [{ uri: 'http://x/' }, 'uri'],
    [{ uri: 'http://x/a/%2e%2e%2fb' }, undefined],
    [{ uri: 'http://x/..%2f' }, 'uri'],
    [{ uri: 'http://x/a', destPath: '../a' }, 'destPath'],
    [{ uri: 'http://x/a', destPath: '/a' }, 'destPath'],
    [{ uri: 'http://x/a', destPath: '' }, 'destPath'],
  ])('%o is wrong in %s', (input, field) => {
    expect(artifactProblem(artifactOf(input))?.[0]).toBe(field);
  });
});

describe('fetching', () => {
  let server: Server;
  let base: string;
  let files: string;
  const signal = new AbortController().signal;

  beforeAll(async () => {
    files = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'files-'));
    await mkdir(join(files, 'in'));
    await writeFile(join(files, 'in/hello.txt'), 'hello\n');
    await create({ cwd: files, file: join(files, 'a.tar.gz'), gzip: true }, ['in']);
    await create({ cwd: files, file: join(files, 'a.tar') }, ['in']);
    for (const [name, text] of Object.entries(PACKED)) {
      await writeFile(join(files, name), Buffer.from(text, 'base64'));
    }
    await writeFile(join(files, 'one.gz'), gzipSync('one\n'));
    await writeFile(join(files, 'tool'), '#!/bin/sh\necho tool\n');
    server = createServer(async (request, response) => {
      if (request.url?.startsWith('/secret')) {
        const isIn = request.headers.authorization === `Basic ${btoa('ada:p@ss')}`;
        response.writeHead(isIn ? 200 : 401).end('let in\n');
        return;
      }
      const file = await readFile(join(files, request.url ?? '')).catch(() => undefined);
      response.writeHead(file ? 200 : 404).end(file);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(async () => {
    server?.close();
    await rm(files, { recursive: true });
  });

  it.each<[name: string, program: string | undefined]>([
    ['a.tar', undefined],
    ['a.tar.gz', undefined],
    ['a.zip', undefined],
    ['a.tar.xz', 'xz'],
    ['a.tar.bz2', 'bzip2'],
  ])('unpacks %s, or says which program it lacks', async (name, program) => {
    const sandbox = await makeFolder();
    const fetching = fetchInto(sandbox, [artifactOf({ uri: `${base}/${name}` })], signal);
    if (program !== undefined && !has(program)) {
      await expect(fetching).rejects.toThrow(`${program} is not installed where the engine runs`);
      return;
    }
    await fetching;
    expect(await readFile(join(sandbox, 'in/hello.txt'), 'utf8')).toBe('hello\n');
  });

  it('leaves, renames, unpacks and makes executable as it is told', async () => {
    const sandbox = await makeFolder();
    const artifacts = [
      { uri: `${base}/a.tar`, extract: false },
      { uri: `${base}/one.gz`, destPath: 'deep/er.gz' },
      { uri: join(files, 'tool'), executable: true },
      { uri: `${base.replace('//', '//ada:p%40ss@')}/secret` },
    ];
    await fetchInto(sandbox, artifacts.map(artifactOf), signal);
    expect((await stat(join(sandbox, 'a.tar'))).size).toBeGreaterThan(0);
    await expect(stat(join(sandbox, 'in'))).rejects.toThrow('ENOENT');
    expect(await readFile(join(sandbox, 'deep/er'), 'utf8')).toBe('one\n');
    expect((await stat(join(sandbox, 'tool'))).mode & 0o777).toBe(0o755);
    expect(await readFile(join(sandbox, 'secret'), 'utf8')).toBe('let in\n');
  });

  it('says what could not be fetched, without what may be secret in the address', async () => {
    const sandbox = await makeFolder();
    const uri = `${base.replace('//', '//ada:wrong@')}/secret?key=1`;
    await expect(fetchInto(sandbox, [artifactOf({ uri })], signal)).rejects.toThrow(
      `Cannot fetch ${base}/secret: it was answered with 401 Unauthorized`,
    );
    const [closed = ''] = await freeAddresses(1);
    await expect(
      fetchInto(sandbox, [artifactOf({ uri: `http://${closed}/x` })], signal),
    ).rejects.toThrow(`Cannot fetch http://${closed}/x: connect ECONNREFUSED`);
    await expect(
      fetchInto(sandbox, [artifactOf({ uri: 'file:///nowhere/x' })], signal),
    ).rejects.toThrow('Cannot fetch file:///nowhere/x: there is no such file');
  });

  it('writes nothing behind a link that leads out of the sandbox', async () => {
    const [sandbox, outside] = [await makeFolder(), await makeFolder()];
    await symlink(outside, join(sandbox, 'way'));
    const artifacts = [artifactOf({ uri: `${base}/tool`, destPath: 'way/tool' })];
    await expect(fetchInto(sandbox, artifacts, signal)).rejects.toThrow('leads out of the sandbox');
    const unpacked = [artifactOf({ uri: `${base}/lure.tar` })];
    await create({ cwd: join(files, 'in'), file: join(files, 'lure.tar'), prefix: 'way' }, [
      'hello.txt',
    ]);
    await fetchInto(sandbox, unpacked, signal).catch(() => undefined);
    await expect(stat(join(outside, 'hello.txt'))).rejects.toThrow('ENOENT');
    await expect(stat(join(outside, 'tool'))).rejects.toThrow('ENOENT');
  });

  it('rejects what is no archive, and ends when the task is not wanted any more', async () => {
    const sandbox = await makeFolder();
    await writeFile(join(files, 'no.tar.xz'), 'no archive');
    await writeFile(join(files, 'no.tgz'), 'no archive');
    for (const name of has('xz') ? ['no.tar.xz', 'no.tgz'] : ['no.tgz']) {
      const fetching = fetchInto(sandbox, [artifactOf({ uri: `${base}/${name}` })], signal);
      await expect(fetching).rejects.toThrow(`Cannot fetch ${base}/${name}: `);
    }
    const gone = AbortSignal.abort(new Error('not wanted'));
    const fetching = fetchInto(sandbox, [artifactOf({ uri: `${base}/a.tar` })], gone);
    await expect(fetching).rejects.toThrow('not wanted');
  });

  it('is done before the task starts, and tells the task why it failed', async () => {
    const engine = await startTestEngine();
    try {
      const cmd = 'cat $MESOS_SANDBOX/in/hello.txt > $MESOS_SANDBOX/seen; exec sleep 1000';
      const fetch = [{ uri: `${base}/a.tar.gz` }];
      await engine.api('POST', '/v2/apps', { ...plain('/fetching', cmd), fetch });
      const defaults = { extract: true, executable: false, cache: false };
      const { app } = (await engine.api('GET', '/v2/apps/fetching')).body;
      expect(app.fetch).toEqual([{ ...fetch[0], ...defaults }]);
      await until(async () => (await engine.tasks('/fetching'))[0]?.state === 'TASK_RUNNING');
      const [{ id }] = (await engine.tasks('/fetching')) as [{ id: string }];
      const seen = join(engine.data, 'sandboxes', id, 'seen');
      await until(async () => (await readFile(seen, 'utf8').catch(() => '')) === 'hello\n');
      await engine.api('POST', '/v2/apps', { ...plain('/failing'), uris: [`${base}/none.tgz`] });
      await until(async () => {
        const { lastTaskFailure } = (await engine.api('GET', '/v2/apps/failing')).body.app;
        return lastTaskFailure?.message.endsWith('it was answered with 404 Not Found');
      });
    } finally {
      await engine.close();
    }
  });
});
