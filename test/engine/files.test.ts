/** What the engine writes: state that survives a kill, output with a bound, sandboxes. */
import { execFile } from 'node:child_process';
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { silent } from '../../src/core/log.ts';
import { openCappedFile } from '../../src/engine/sandbox/capped-file.ts';
import { createSandboxes } from '../../src/engine/sandbox/sandbox.ts';
import { createStore } from '../../src/engine/state/store.ts';
import { plain, startTestEngine } from './harness.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'engine-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const patience = { timeout: 20_000, interval: 50 };

it('an engine says of a write that is not on the disk yet what that means, and keeps it in the end', async () => {
  const engine = await startTestEngine();
  onTestFinished(() => engine.close());
  const [state, away] = [join(engine.data, 'state'), join(engine.data, 'away')];
  await rename(state, away);
  const { status, body } = await engine.api('POST', '/v2/apps', {
    ...plain('/late'),
    instances: 0,
  });
  expect([status, body.message]).toEqual([503, expect.stringContaining('a restart would forget')]);
  await rename(away, state);
  await expect.poll(() => readdir(state), patience).toContain('late.json');
  await engine.crash();
  expect((await engine.api('GET', '/v2/apps/late')).status).toBe(200);
});

it('an engine that abdicates while it cannot write leads again once it can, and has lost nothing', async () => {
  const engine = await startTestEngine();
  onTestFinished(() => engine.close());
  const [state, away] = [join(engine.data, 'state'), join(engine.data, 'away')];
  const status = (method: string, path: string) =>
    engine.api(method, path).then(
      (answer) => answer.status,
      () => undefined,
    );
  await rename(state, away);
  await engine.api('POST', '/v2/apps', { ...plain('/late'), instances: 0 });
  expect(await status('DELETE', '/v2/leader')).toBe(200);
  await expect.poll(() => status('GET', '/ping'), patience).toBeUndefined();
  await rename(away, state);
  await expect.poll(() => status('GET', '/v2/apps/late'), patience).toBe(200);
});

describe('store', () => {
  it('reads back what was written last, and forgets what is removed', async () => {
    const store = createStore({ folder, log: silent });
    await store.load();
    store.save('a', () => ({ n: 1 }));
    store.save('a', () => ({ n: 2 }));
    store.save('b', () => ({}));
    await store.flush();
    store.save('b', () => undefined);
    await store.flush();
    const read = await createStore({ folder, log: silent }).load();
    expect([...read]).toEqual([['a', { n: 2 }]]);
  });

  it('writes nothing any more once it is closed, when another may have the folder', async () => {
    const store = createStore({ folder, log: silent });
    store.save('a', () => ({ n: 1 }));
    await store.close();
    store.save('a', () => ({ n: 2 }));
    await store.flush();
    expect([...(await createStore({ folder, log: silent }).load())]).toEqual([['a', { n: 1 }]]);
  });

  it('takes documents again where it could not be closed', async () => {
    const state = join(folder, 'state');
    const store = createStore({ folder: state, log: silent });
    store.save('a', () => ({ n: 1 }));
    await expect(store.close()).rejects.toThrow('ENOENT');
    store.save('a', () => ({ n: 2 }));
    await mkdir(state);
    await store.close();
    expect(await readFile(join(state, 'a.json'), 'utf8')).toBe('{"n":2}');
  });

  it('says once that it cannot write, and writes all of it as soon as it can', async () => {
    const said: string[] = [];
    const note = (_fields: object, message: string) => void said.push(message);
    const log = { ...silent, error: note, info: note };
    const state = join(folder, 'state');
    const store = createStore({ folder: state, log });
    const names = Array.from({ length: 20 }, (_, n) => `app-${n}`);
    for (const name of names) {
      store.save(name, () => ({ name }));
      await new Promise(setImmediate);
      await expect(store.flush()).rejects.toThrow('ENOENT');
    }
    expect(said).toEqual(['cannot write the state; trying again']);
    await mkdir(state);
    const written = async () => (await readdir(state)).sort();
    await expect.poll(written, patience).toEqual(names.map((name) => `${name}.json`).sort());
    await expect.poll(() => said, patience).toHaveLength(2);
    expect(said[1]).toBe('the state is written again');
  });

  it('throws half-written documents away', async () => {
    await writeFile(join(folder, 'a.json.tmp'), '{"n":');
    expect((await createStore({ folder, log: silent }).load()).size).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('capped file', () => {
  it('drops the older half when it is full, and says so', async () => {
    const path = join(folder, 'stdout');
    const file = await openCappedFile(path, 100);
    for (let line = 10; line < 40; line++) await file.append(Buffer.from(`line ${line}\n`));
    await file.close();
    const text = await readFile(path, 'utf8');
    expect(text).toMatch(/^\[the first \d+ bytes were dropped to bound this file\]\n/);
    expect(text.endsWith('line 38\nline 39\n')).toBe(true);
    expect(text.length).toBeLessThan(160);
  });
});

describe('a capped file that a task has put something else in the place of', () => {
  it.each([
    ['a link', (path: string) => symlink(join(folder, 'host'), path)],
    ['a folder', (path: string) => mkdir(path)],
    ['a pipe', (path: string) => promisify(execFile)('mkfifo', [path])],
  ])('is a plain file again after %s', async (_what, put) => {
    const path = join(folder, 'stdout');
    await writeFile(join(folder, 'host'), 'of the host');
    await put(path);
    const file = await openCappedFile(path, 100);
    await file.append(Buffer.from('output'));
    await file.close();
    expect((await lstat(path)).isFile()).toBe(true);
    expect(await readFile(path, 'utf8')).toBe('output');
    expect(await readFile(join(folder, 'host'), 'utf8')).toBe('of the host');
  });

  it('copies nothing from behind a link when it is full', async () => {
    const path = join(folder, 'stdout');
    await writeFile(join(folder, 'host'), 'secret of the host'.repeat(100));
    const file = await openCappedFile(path, 10);
    await file.append(Buffer.from('0123456789'));
    await rm(path);
    await symlink(join(folder, 'host'), path);
    await symlink(join(folder, 'host'), `${path}.kept`);
    await file.append(Buffer.from('more'));
    await file.close();
    expect(await readFile(path, 'utf8')).toBe('more');
    expect(await readFile(join(folder, 'host'), 'utf8')).toContain('secret');
  });
});

describe('sandboxes', () => {
  it('keep the newest twenty dead ones of an app, and all living ones', async () => {
    const root = join(folder, 'sandboxes');
    const names = Array.from({ length: 25 }, (_, n) => `web.instance-${n}._app.1`);
    for (const name of [...names, 'webx.instance-1._app.1']) {
      await mkdir(join(root, name), { recursive: true });
    }
    await createSandboxes(folder).prune(new Set([names[0] ?? '']));
    const left = await readdir(root);
    expect(left).toHaveLength(1 + 20 + 1);
    expect(left).toEqual(expect.arrayContaining([names[0], 'webx.instance-1._app.1']));
  });
});
