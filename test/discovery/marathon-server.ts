/** As much of a Marathon as discovery speaks to, over real HTTP, with every request counted. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMarathon } from '../../src/clients/marathon.ts';
import { silent } from '../../src/core/log.ts';
import { afterTest } from './backends.ts';

export interface TestTask {
  id: string;
  state?: string;
  host?: string;
  port?: number;
  alive?: boolean;
}

export function appOf(id: string, tasks: TestTask[], labels: object = {}) {
  return {
    id,
    version: '2026-01-01T00:00:00.000Z',
    instances: tasks.length,
    labels: { 'ekiden.install': 'i1', 'ekiden.routes': `${id.slice(1)}.test`, ...labels },
    healthChecks: [{ protocol: 'HTTP' }],
    tasks: tasks.map(({ id: task, state = 'TASK_RUNNING', host, port = 31000, alive }) => ({
      id: task,
      appId: id,
      state,
      host: host ?? '127.0.0.1',
      ports: [port],
      healthCheckResults: alive === undefined ? [] : [{ alive }],
    })),
  };
}

/** `apps` may be changed at any time; `events` are only what a test emits. */
export async function startMarathon() {
  const apps = new Map<string, ReturnType<typeof appOf>>();
  const streams = new Set<ServerResponse>();
  const seen = { all: 0, one: new Map<string, number>() };
  // A test holds answers about one app back, to make them old.
  let gate: Promise<void> | undefined;
  let away = false;

  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://x');
    if (away) return response.destroy();
    if (pathname === '/v2/events') {
      streams.add(response.writeHead(200, { 'content-type': 'text/event-stream' }));
      return response.flushHeaders();
    }
    if (pathname === '/v2/apps') {
      seen.all += 1;
      return response.end(JSON.stringify({ apps: [...apps.values()] }));
    }
    const id = pathname.slice('/v2/apps'.length);
    seen.one.set(id, (seen.one.get(id) ?? 0) + 1);
    const app = apps.get(id);
    const text = JSON.stringify(app ? { app } : { message: `App '${id}' does not exist` });
    await gate;
    return response.writeHead(app ? 200 : 404).end(text);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  const marathon = createMarathon({ addresses: [`http://127.0.0.1:${port}`], log: silent });
  afterTest(async () => {
    await marathon.close();
    server.closeAllConnections();
    server.close();
  });
  return {
    marathon,
    seen,
    connected: () => streams.size > 0,
    set: (...list: ReturnType<typeof appOf>[]) => {
      for (const app of list) apps.set(app.id, app);
    },
    remove: (id: string) => apps.delete(id),
    emit: (eventType: string, more: object) => {
      const text = `event: ${eventType}\r\ndata: ${JSON.stringify({ eventType, ...more })}\r\n\r\n`;
      for (const stream of streams) stream.write(text);
    },
    hold: () => {
      let open = () => undefined as unknown;
      gate = new Promise((done) => {
        open = () => done();
      });
      return () => {
        gate = undefined;
        open();
      };
    },
    setAway: (value: boolean) => {
      away = value;
      if (value) for (const stream of streams) stream.destroy();
      if (value) streams.clear();
    },
  };
}
