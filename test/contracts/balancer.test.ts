/** What every balancer must do, run on each mode of the real nginx. */
import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { silent } from '../../src/core/log.ts';
import { createNginx } from '../../src/discovery/index.ts';
import { freePort } from '../demo/free-ports.ts';
import {
  afterTest,
  ask,
  type Backend,
  makeFolder,
  startBackend,
  templates,
  upstream,
} from '../discovery/backends.ts';

describe.each(['dynamic', 'file'] as const)('nginx in %s mode', (mode) => {
  async function start() {
    const port = await freePort();
    const data = await makeFolder();
    const listen = `127.0.0.1:${port}`;
    const nginx = createNginx({ listen, data, install: 'dev-nginx', templates, mode, log: silent });
    afterTest(() => nginx.stop());
    expect(await nginx.start()).toEqual({ mode, adopted: false });
    return { nginx, port };
  }

  async function count(port: number, backends: Backend[], requests: number): Promise<number[]> {
    for (const backend of backends) backend.requests.length = 0;
    for (let left = requests; left > 0; left -= 1) await ask(port, 'a.test');
    return backends.map((backend) => backend.requests.length);
  }

  test('an unknown host is told that no app answers there', async () => {
    const { port } = await start();
    const answer = await ask(port, 'nobody.test');
    expect(answer.status).toBe(404);
    expect(answer.body).toContain('No app answers at this address');
  });

  test('an app without members is 503 with a page', async () => {
    const { nginx, port } = await start();
    await nginx.apply([upstream('/a', ['a.test'], [])]);
    const answer = await ask(port, 'a.test');
    expect(answer.status).toBe(503);
    expect(answer.body).toContain('no healthy instance');
  });

  test('the next request after apply goes to the new members', async () => {
    const { nginx, port } = await start();
    const [one, two] = [await startBackend('one'), await startBackend('two')];
    await nginx.apply([upstream('/a', ['a.test'], [one])]);
    expect(await ask(port, 'a.test')).toEqual({ status: 200, body: 'one' });
    await nginx.apply([upstream('/a', ['a.test'], [two])]);
    for (let round = 0; round < 20; round += 1)
      expect((await ask(port, 'a.test')).body).toBe('two');
    expect(await nginx.current()).toEqual([upstream('/a', ['a.test'], [two])]);
  });

  test('requests are shared by weight', async () => {
    const { nginx, port } = await start();
    const [light, heavy, resting] = [
      await startBackend('light'),
      await startBackend('heavy'),
      await startBackend('resting'),
    ];
    const members: [Backend, number][] = [
      [light, 1],
      [heavy, 4],
      [resting, 0],
    ];
    await nginx.apply([upstream('/a', ['a.test'], members)]);
    const [few = 0, many = 0, none] = await count(port, [light, heavy, resting], 200);
    expect(few + many).toBe(200);
    // Each worker goes round by itself, so at most one round a worker may be unfinished.
    expect(Math.abs(few - 40)).toBeLessThanOrEqual(8);
    expect(none).toBe(0);
  });

  test('the longest path wins, at whole segments, and the path is passed on unchanged', async () => {
    const { nginx, port } = await start();
    const [web, api, deep] = [
      await startBackend('web'),
      await startBackend('api'),
      await startBackend('deep'),
    ];
    await nginx.apply([
      upstream('/api', ['a.test/api'], [api]),
      upstream('/deep', ['a.test/api/v2.1'], [deep]),
      upstream('/web', ['a.test'], [web]),
    ]);
    const bodyOf = async (path: string) => (await ask(port, 'a.test', path)).body;
    expect(await bodyOf('/')).toBe('web');
    expect(await bodyOf('/api')).toBe('api');
    expect(await bodyOf('/api/x?y=%2F1')).toBe('api');
    expect(api.requests.at(-1)?.url).toBe('/api/x?y=%2F1');
    expect(await bodyOf('/apix')).toBe('web');
    expect(await bodyOf('/api/v2.1/z')).toBe('deep');
    expect(await bodyOf('/api/v201')).toBe('api');
  });

  test('a path without an app for the whole host is 404 elsewhere', async () => {
    const { nginx, port } = await start();
    await nginx.apply([upstream('/api', ['a.test/api'], [await startBackend('api')])]);
    expect((await ask(port, 'a.test', '/api')).status).toBe(200);
    expect((await ask(port, 'a.test', '/')).status).toBe(404);
  });

  test('a member where nothing listens costs no request', async () => {
    const { nginx, port } = await start();
    const [dead, good] = [await startBackend('dead'), await startBackend('good')];
    await new Promise((done) => dead.server.close(done));
    await nginx.apply([upstream('/a', ['a.test'], [dead, good])]);
    for (let round = 0; round < 10; round += 1) {
      const answer = await ask(port, 'a.test', '/', { method: 'POST', body: 'x' });
      expect(answer).toEqual({ status: 200, body: 'good' });
    }
  });

  test('large bodies pass both ways, and the app learns who asked', async () => {
    const { nginx, port } = await start();
    const one = await startBackend('one');
    await nginx.apply([upstream('/a', ['a.test'], [one])]);
    const body = Buffer.alloc(3_000_000, 'x');
    const answer = await ask(port, 'A.test', '/big', { method: 'PUT', body });
    expect(answer.body).toHaveLength(5_000_000);
    expect(one.requests[0]).toMatchObject({
      bytes: 3_000_000,
      headers: {
        host: 'A.test',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'A.test',
        'x-forwarded-port': String(port),
      },
    });
  });

  test('a connection can be upgraded', async () => {
    const { nginx, port } = await start();
    await nginx.apply([upstream('/a', ['a.test'], [await startBackend('one')])]);
    const socket = connect(port, '127.0.0.1');
    afterTest(() => socket.destroy());
    socket.write('GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    let seen = '';
    for await (const chunk of socket) {
      seen += chunk;
      if (seen.endsWith('\r\n\r\n')) socket.write('hello');
      if (seen.endsWith('hello')) break;
    }
    expect(seen).toMatch(/^HTTP\/1.1 101 /);
  });

  test('a request whose app loses its last member while the body comes is told so on a page', async () => {
    const { nginx, port } = await start();
    const last = await startBackend('last');
    await nginx.apply([upstream('/a', ['a.test'], [last])]);
    const socket = connect(port, '127.0.0.1');
    afterTest(() => socket.destroy());
    const head = 'POST / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Length: 4\r\n';
    socket.write(`${head}Expect: 100-continue\r\n\r\nbo`);
    let seen = '';
    for await (const chunk of socket) {
      seen += chunk;
      // By then nginx has found the app, and waits for the body.
      if (seen !== 'HTTP/1.1 100 Continue\r\n\r\n') continue;
      await new Promise((done) => last.server.close(done));
      await nginx.apply([upstream('/a', ['a.test'], [])]);
      socket.write('dy');
    }
    // In file mode a request keeps the members that it came upon.
    expect(seen).toContain(`\r\n\r\nHTTP/1.1 ${mode === 'dynamic' ? 503 : 502} `);
    expect(seen).toContain('no healthy instance');
  });

  test('what is there already is not applied again', async () => {
    const { nginx, port } = await start();
    const list = [upstream('/a', ['a.test'], [await startBackend('one')])];
    await nginx.apply(list);
    await Promise.all([nginx.apply(list), nginx.apply(list)]);
    expect((await ask(port, 'a.test')).status).toBe(200);
  });
});
