/** Small servers and folders for the tests of discovery, all gone after the test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { onTestFinished } from 'vitest';
import type { Upstream } from '../../src/core/upstream.ts';

export { freePort } from '../demo/free-ports.ts';

export const templates = resolve(import.meta.dirname, '../../templates');

/** Cleans up when the running test is over, the latest first. */
export function afterTest(cleanUp: () => unknown): void {
  onTestFinished(async () => {
    await cleanUp();
  });
}

export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'ngx-'));
  afterTest(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface Backend {
  name: string;
  address: string;
  server: Server;
  requests: {
    url: string;
    method: string;
    headers: NodeJS.Dict<string | string[]>;
    bytes: number;
  }[];
}

/** Answers every request with its name; `/big` with 5 MB. */
export async function startBackend(name: string): Promise<Backend> {
  const requests: Backend['requests'] = [];
  const server = createServer(async (incoming, response) => {
    let bytes = 0;
    for await (const chunk of incoming) bytes += chunk.length;
    const { url = '', method = '', headers } = incoming;
    requests.push({ url, method, headers, bytes });
    response.end(url.endsWith('/big') ? Buffer.alloc(5_000_000, 'x') : name);
  });
  server.on('upgrade', (_incoming, socket) => {
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n',
    );
    socket.pipe(socket);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  afterTest(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { name, address: `127.0.0.1:${port}`, server, requests };
}

/** An upstream for `routes` such as `a.test/path`, over backends with weights (default 1). */
export function upstream(
  app: string,
  routes: string[],
  members: (Backend | [Backend, number])[],
): Upstream {
  return {
    app,
    routes: routes.map((route) => {
      const slash = route.indexOf('/');
      return slash < 0
        ? { host: route, path: '/' }
        : { host: route.slice(0, slash), path: route.slice(slash) };
    }),
    members: members.map((member) => {
      const [{ name, address }, weight] = Array.isArray(member) ? member : [member, 1];
      return { instance: name, address, weight };
    }),
  };
}

/** Asks over a connection of its own and answers status and body. */
export async function ask(
  port: number,
  host: string,
  path = '/',
  more: Parameters<typeof request>[1] = {},
): Promise<{ status: number; body: string }> {
  const response = await request(`http://127.0.0.1:${port}${path}`, {
    reset: true,
    ...more,
    headers: { host },
  });
  return { status: response.statusCode, body: await response.body.text() };
}

/** Asks, half over kept and half over fresh connections, pausing `pauseMs` between, until it is ended. */
export function startLoad(port: number, pauseMs = 0) {
  const seen = { kept: 0, fresh: 0, failures: [] as string[] };
  const kept = new Agent({ connections: 4 });
  let going = true;
  const client = async (kind: 'kept' | 'fresh') => {
    while (going) {
      const more = kind === 'kept' ? { reset: false, dispatcher: kept } : {};
      const problem = await ask(port, 'a.test', '/', more).then(
        ({ status }) => (status === 200 ? undefined : `status ${status}`),
        String,
      );
      if (problem !== undefined) seen.failures.push(`${kind}: ${problem}`);
      seen[kind] += 1;
      await delay(pauseMs);
    }
  };
  const clients = (['kept', 'kept', 'fresh', 'fresh'] as const).map(client);
  const end = async () => {
    going = false;
    await Promise.all(clients);
    await kept.destroy();
  };
  return { seen, end };
}
