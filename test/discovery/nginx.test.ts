/** The private nginx as a process, and what changes of members cost its users, on the real nginx. */
import { appendFile, cp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { request } from 'undici';
import { expect, test, vi } from 'vitest';
import { silent } from '../../src/core/log.ts';
import { createNginx, type NginxOptions } from '../../src/discovery/index.ts';
import {
  afterTest,
  ask,
  freePort,
  makeFolder,
  startBackend,
  startLoad,
  templates,
  upstream,
} from './backends.ts';

async function makeNginx(more: Partial<NginxOptions> = {}) {
  const port = await freePort();
  const options = {
    listen: `127.0.0.1:${port}`,
    data: await makeFolder(),
    install: 'dev-nginx',
    templates,
    mode: 'dynamic' as const,
    log: silent,
    ...more,
  };
  const make = (other: Partial<NginxOptions> = {}) => {
    const nginx = createNginx({ ...options, ...other });
    afterTest(() => nginx.stop());
    return nginx;
  };
  return { make, port, data: options.data };
}

const pidIn = async (data: string): Promise<number> =>
  JSON.parse(await readFile(join(data, 'run/nginx.json'), 'utf8')).pid;

test('members change under load without one failed request', async () => {
  const { make, port } = await makeNginx();
  const nginx = make();
  await nginx.start();
  let serving = await startBackend('first');
  await nginx.apply([upstream('/a', ['a.test'], [serving])]);
  const { seen, end } = startLoad(port);
  for (let round = 0; round < 20; round += 1) {
    const next = await startBackend(`next${round}`);
    await nginx.apply([upstream('/a', ['a.test'], [serving, next])]);
    await vi.waitFor(() => expect(next.requests.length).toBeGreaterThan(0), 25_000);
    await nginx.apply([upstream('/a', ['a.test'], [next])]);
    // What was asked before the change is still answered by the old one, which then goes away.
    serving.server.close();
    serving = next;
  }
  await vi.waitFor(() => expect(Math.min(seen.kept, seen.fresh)).toBeGreaterThan(200), 25_000);
  await end();
  expect(seen.failures).toEqual([]);
});

test.each([
  ['dynamic', 'keep-alive'],
  ['file', 'close'],
] as const)(
  '%s mode keeps connections of clients only where no reload breaks them',
  async (mode, kept) => {
    const { make, port } = await makeNginx({ mode });
    const nginx = make();
    await nginx.start();
    await nginx.apply([upstream('/a', ['a.test'], [await startBackend('one')])]);
    const { headers, body } = await request(`http://127.0.0.1:${port}/`, {
      headers: { host: 'a.test' },
    });
    expect([headers['connection'], await body.text()]).toEqual([kept, 'one']);
  },
);

test.each(['dynamic', 'file'] as const)('%s mode goes on without Ekiden', async (mode) => {
  const { make, port, data } = await makeNginx({ mode });
  const list = [upstream('/a', ['a.test'], [await startBackend('one')])];
  const first = make();
  await first.start();
  await first.apply(list);
  const pid = await pidIn(data);
  await first.release();
  expect((await ask(port, 'a.test')).body).toBe('one');

  const second = make();
  expect(await second.start()).toEqual({ mode, adopted: true });
  expect(await second.current()).toEqual(list);
  await second.apply(list);
  expect(await pidIn(data)).toBe(pid);
  expect((await ask(port, 'a.test')).body).toBe('one');
});

test.each(['dynamic', 'file'] as const)('%s mode comes back after a kill', async (mode) => {
  const { make, port, data } = await makeNginx({ mode });
  const nginx = make();
  await nginx.start();
  await nginx.apply([upstream('/a', ['a.test'], [await startBackend('one')])]);
  const pid = await pidIn(data);
  process.kill(pid, 'SIGKILL');
  await vi.waitFor(async () => expect(await pidIn(data)).not.toBe(pid), 25_000);
  await vi.waitFor(async () => expect((await ask(port, 'a.test')).body).toBe('one'), 25_000);
});

test('upstreams applied while nginx is dead are there when it is back', async () => {
  const { make, port, data } = await makeNginx();
  const nginx = make();
  await nginx.start();
  const two = await startBackend('two');
  process.kill(await pidIn(data), 'SIGTERM');
  await nginx.apply([upstream('/a', ['a.test'], [two])]);
  // The one that is about to end may have taken them.
  await vi.waitFor(async () => expect((await ask(port, 'a.test')).body).toBe('two'), 25_000);
});

test('after stop nothing runs and the address is free', async () => {
  const { make, port, data } = await makeNginx();
  const nginx = make();
  await nginx.start();
  const pid = await pidIn(data);
  await nginx.stop();
  expect(() => process.kill(pid, 0)).toThrow();
  await expect(request(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  await expect(pidIn(data)).rejects.toThrow();
});

test('file mode keeps the last good state when a template is broken', async () => {
  const own = await makeFolder();
  await cp(templates, own, { recursive: true });
  const { make, port } = await makeNginx({ mode: 'file', templates: own });
  const nginx = make();
  await nginx.start();
  const [one, two] = [await startBackend('one'), await startBackend('two')];
  await nginx.apply([upstream('/a', ['a.test'], [one])]);
  const file = join(own, 'nginx/upstreams.conf');
  const good = await readFile(file, 'utf8');

  await appendFile(file, 'no_such_directive on;\n');
  const broken = nginx.apply([upstream('/a', ['a.test'], [two])]);
  await expect(broken).rejects.toThrow('unknown directive "no_such_directive"');
  expect((await ask(port, 'a.test')).body).toBe('one');
  expect(await nginx.current()).toMatchObject([{ members: [{ instance: 'one' }] }]);

  await writeFile(file, good);
  await nginx.apply([upstream('/a', ['a.test'], [two])]);
  expect((await ask(port, 'a.test')).body).toBe('two');
});

test.each(['dynamic', 'file'] as const)('%s mode starts on what was good', async (mode) => {
  const own = await makeFolder();
  await cp(templates, own, { recursive: true });
  const { make, port } = await makeNginx({ mode, templates: own });
  const first = make();
  await first.start();
  await first.apply([upstream('/a', ['a.test'], [await startBackend('one')])]);
  await first.stop();
  await appendFile(join(own, 'nginx/nginx.conf'), '}\n');
  const error = vi.fn();
  await make({ log: { ...silent, error } }).start();
  expect(error.mock.calls[0]?.[1]).toBe('the nginx templates cannot be used; the last good stay');
  expect((await ask(port, 'a.test')).body).toBe('one');
});

test('an edited template is taken over by the nginx that runs', async () => {
  const own = await makeFolder();
  await cp(templates, own, { recursive: true });
  const { make, port, data } = await makeNginx({ templates: own });
  const first = make();
  await first.start();
  await first.apply([upstream('/a', ['a.test'], [await startBackend('one')])]);
  await first.release();
  const pid = await pidIn(data);
  await writeFile(join(own, 'nginx/404.html'), 'costs $5 "here"');
  expect(await make().start()).toMatchObject({ adopted: true });
  expect((await ask(port, 'b.test')).body).toBe('costs &#36;5 "here"');
  expect((await ask(port, 'a.test')).body).toBe('one');
  expect(await pidIn(data)).toBe(pid);
});

test('a taken address is said to be taken', async () => {
  const { make, port } = await makeNginx();
  const other = createServer();
  await new Promise<void>((done) => other.listen(port, '127.0.0.1', done));
  afterTest(() => other.close());
  await expect(make().start()).rejects.toMatchObject({
    code: 'E_LISTEN',
    message: `127.0.0.1:${port} is taken.`,
    hint: expect.stringContaining('NGINX_LISTEN'),
  });
});

test('an nginx that runs moves to a new address, and is left alone where that is taken', async () => {
  const { make, port, data } = await makeNginx();
  const first = make();
  await first.start();
  await first.apply([upstream('/a', ['a.test'], [await startBackend('one')])]);
  await first.release();
  const pid = await pidIn(data);
  const taken = createServer();
  const elsewhere = await freePort();
  await new Promise<void>((done) => taken.listen(elsewhere, '127.0.0.1', done));
  const moved = { listen: `127.0.0.1:${elsewhere}` };
  await expect(make(moved).start()).rejects.toMatchObject({
    message: `127.0.0.1:${elsewhere} is taken.`,
  });
  expect((await ask(port, 'a.test')).body).toBe('one');
  await new Promise<void>((done) => taken.close(() => done()));
  expect(await make(moved).start()).toMatchObject({ adopted: true });
  expect((await ask(elsewhere, 'a.test')).body).toBe('one');
  expect(await pidIn(data)).toBe(pid);
});

test('a missing nginx is said to be missing, with the package', async () => {
  const { make } = await makeNginx({ program: 'no-such-nginx' });
  await expect(make().start()).rejects.toMatchObject({
    code: 'E_NGINX_MISSING',
    hint: expect.stringContaining('apt-get install nginx-light'),
  });
});

test('the mode is chosen by looking', async () => {
  const { make } = await makeNginx({ mode: 'auto' });
  expect(await make().start()).toMatchObject({ mode: 'dynamic' });
});

test.each(['dynamic', 'file'] as const)(
  '%s mode says 503 where nobody takes requests',
  async (mode) => {
    const { make, port } = await makeNginx({ mode });
    const nginx = make();
    await nginx.start();
    await nginx.apply([upstream('/a', ['a.test'], [[await startBackend('one'), 0]])]);
    expect((await ask(port, 'a.test')).status).toBe(503);
  },
);
