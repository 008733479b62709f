/** The Marathon client against a server that plays one answer after another. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  AppLockedError,
  createMarathon,
  type MarathonEvent,
  type MarathonOptions,
} from '../../src/clients/marathon.ts';
import { InputError, NotFoundError, RemoteError } from '../../src/core/errors.ts';
import { silent } from '../../src/core/log.ts';

interface Seen {
  line: string;
  body: string;
  authorization: string | undefined;
}

type Play = (request: IncomingMessage, response: ServerResponse, count: number) => void;

async function serve(play: Play): Promise<{ address: string; seen: Seen[]; server: Server }> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const { authorization } = request.headers;
    seen.push({ line: `${request.method} ${request.url}`, body, authorization });
    play(request, response, seen.length);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { address: `http://127.0.0.1:${port}`, seen, server };
}

const answer = (response: ServerResponse, status: number, body: unknown) =>
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

function clientOf(addresses: string[], more: Partial<MarathonOptions> = {}) {
  const marathon = createMarathon({ addresses, log: silent, ...more });
  onTestFinished(() => marathon.close());
  return marathon;
}

/** An address where nothing listens. */
async function deadAddress(): Promise<string> {
  const { address, server } = await serve(() => undefined);
  await new Promise((done) => server.close(done));
  return address;
}

/** Marathon's answer to whoever looks at an app, and `status` with `body` to all that writes. */
const shows =
  (status: number, body: unknown): Play =>
  (request, response) =>
    request.method === 'GET' ? answer(response, 200, { app: web }) : answer(response, status, body);

const writesIn = (seen: Seen[]) => seen.filter(({ line }) => !line.startsWith('GET '));

const started = { version: '2026-01-01T00:00:00.000Z', deploymentId: 'd1' };
const web = { id: '/shop/web', version: started.version, instances: 1 };

test('an app without its empty arrays has them all the same', async () => {
  const { address, seen } = await serve((_request, response) =>
    answer(response, 200, { app: web }),
  );
  const app = await clientOf([address]).app('/shop/web');
  expect(app).toMatchObject({ id: '/shop/web', tasks: [], healthChecks: [], labels: {} });
  expect(seen[0]?.line).toBe('GET /v2/apps/shop/web');
});

test('all apps of one label come with their tasks', async () => {
  const { address, seen } = await serve((_request, response) =>
    answer(response, 200, { apps: [{ ...web, tasks: [{ id: 't1', appId: '/shop/web' }] }] }),
  );
  const apps = await clientOf([address]).apps({ label: 'ekiden.install==a1' });
  expect(apps[0]?.tasks[0]).toMatchObject({ id: 't1', ports: [], healthCheckResults: [] });
  expect(seen[0]?.line).toBe('GET /v2/apps?embed=apps.tasks&label=ekiden.install%3D%3Da1');
});

test('writes say force and replacement outright', async () => {
  const { address, seen } = await serve(shows(200, started));
  const marathon = clientOf([address]);
  expect(await marathon.putApp({ id: '/shop/web', cmd: 'x' })).toEqual(started);
  await marathon.scale('/shop/web', 3, { force: true });
  await marathon.restart('/shop/web');
  await marathon.deleteApp('/shop/web');
  await marathon.cancelDeployment('d1');
  await marathon.killTasks(['t1'], { scale: true });
  expect(writesIn(seen).map(({ line, body }) => `${line} ${body}`.trim())).toEqual([
    'PUT /v2/apps/shop/web?force=false&partialUpdate=false {"id":"/shop/web","cmd":"x"}',
    'PUT /v2/apps/shop/web?force=true&partialUpdate=true {"instances":3}',
    'POST /v2/apps/shop/web/restart?force=false',
    'DELETE /v2/apps/shop/web?force=false',
    'DELETE /v2/deployments/d1?force=false',
    'POST /v2/tasks/delete?scale=true {"ids":["t1"]}',
  ]);
});

test('a locked app names the deployments that hold it', async () => {
  const { address, seen } = await serve((_request, response) =>
    answer(response, 409, { message: 'App is locked', deployments: [{ id: 'd7' }, { id: 'd8' }] }),
  );
  const refused = clientOf([address]).putApp({ id: '/shop/web' });
  await expect(refused).rejects.toBeInstanceOf(AppLockedError);
  await expect(refused).rejects.toMatchObject({ deployments: ['d7', 'd8'], status: 409 });
  expect(seen).toHaveLength(1);
});

test('a definition that Marathon refuses is an input error with the reasons', async () => {
  const details = [{ path: '/upgradeStrategy', errors: ['is greater than 1', 'is odd'] }];
  const { address } = await serve((_request, response) =>
    answer(response, 422, { message: 'Object is not valid', details }),
  );
  const refused = clientOf([address]).putApp({ id: '/a' });
  await expect(refused).rejects.toBeInstanceOf(InputError);
  await expect(refused).rejects.toThrow('/upgradeStrategy is greater than 1, is odd');
});

test('what is missing is undefined to a reader and an error to a writer', async () => {
  const { address } = await serve((_request, response) =>
    answer(response, 404, { message: "App '/x' does not exist" }),
  );
  const marathon = clientOf([address]);
  expect(await marathon.app('/x')).toBeUndefined();
  expect(await marathon.deleteApp('/x')).toBeUndefined();
  await expect(marathon.restart('/x')).rejects.toBeInstanceOf(NotFoundError);
});

test('503 is asked again when that does no harm', async () => {
  const play: Play = (_request, response, count) =>
    count < 3 ? answer(response, 503, {}) : answer(response, 200, { app: web });
  const { address, seen } = await serve(play);
  expect(await clientOf([address]).app('/shop/web')).toMatchObject({ id: '/shop/web' });
  expect(seen).toHaveLength(3);
});

test('503 to a restart is not asked again', async () => {
  const { address, seen } = await serve(shows(503, {}));
  await expect(clientOf([address]).restart('/a')).rejects.toBeInstanceOf(RemoteError);
  expect(writesIn(seen)).toHaveLength(1);
});

test('the next address answers when the first is dead, and is kept', async () => {
  const dead = await deadAddress();
  const { address, seen } = await serve(shows(200, started));
  const warn = vi.fn();
  const marathon = clientOf([dead, address], { log: { ...silent, warn } });
  await marathon.restart('/a');
  await marathon.restart('/a');
  expect(writesIn(seen)).toHaveLength(2);
  expect(warn).toHaveBeenCalledTimes(1);
});

test('an address that never answers fails in time and is left', async () => {
  const mute = await serve(() => undefined);
  const good = await serve((_request, response) => answer(response, 200, { app: web }));
  const marathon = clientOf([mute.address, good.address], { timeouts: { answer: 1_000 } });
  await expect(marathon.app('/a')).rejects.toMatchObject({ code: 'E_MARATHON_TIMEOUT' });
  expect(await marathon.app('/a')).toMatchObject({ id: '/shop/web' });
});

test('what is no Marathon is said to be none', async () => {
  const { address } = await serve((_request, response) => answer(response, 200, { hello: 1 }));
  await expect(clientOf([address]).info()).rejects.toMatchObject({ code: 'E_MARATHON_ANSWER' });
});

test('credentials in the address are sent, and kept out of messages', async () => {
  const { address, seen } = await serve((_request, response) => answer(response, 401, {}));
  const withUser = address.replace('http://', 'http://anna:s3cret@');
  const error: Error = await clientOf([withUser])
    .info()
    .then(
      () => new Error('no error'),
      (thrown) => thrown,
    );
  expect(seen[0]?.authorization).toBe(`Basic ${Buffer.from('anna:s3cret').toString('base64')}`);
  expect(error.message).not.toContain('s3cret');
});

const stream = (response: ServerResponse) =>
  response.writeHead(200, { 'content-type': 'text/event-stream' });
const jettyEvent = (type: string, data: object) =>
  `event: ${type}\r\ndata: ${JSON.stringify({ eventType: type, ...data })}\r\n\r\n`;

/** Follows until the test ends; `events` and `connects` grow meanwhile. */
function follow(addresses: string[], more: Partial<MarathonOptions> = {}) {
  const aborter = new AbortController();
  const events: MarathonEvent[] = [];
  const seen = { events, connects: 0 };
  const done = clientOf(addresses, more).follow({
    types: ['status_update_event'],
    onEvent: (event) => events.push(event),
    onConnect: () => {
      seen.connects += 1;
    },
    signal: aborter.signal,
  });
  onTestFinished(() => {
    aborter.abort();
    return done;
  });
  return seen;
}

test('a redirect to the leader is followed with the credentials', async () => {
  const leader = await serve((_request, response) =>
    stream(response).write(jettyEvent('status_update_event', { taskId: 't1', ports: [31000] })),
  );
  const standby = await serve((request, response) =>
    response.writeHead(302, { location: `${leader.address}${request.url}` }).end(),
  );
  const seen = follow([standby.address], { credentials: { token: 'abc' } });
  await expect.poll(() => seen.events).toHaveLength(1);
  expect(seen.events[0]).toMatchObject({ taskId: 't1', ports: [31000] });
  expect(leader.seen[0]).toMatchObject({
    line: 'GET /v2/events?event_type=status_update_event',
    authorization: 'token=abc',
  });
});

test('a stream that falls silent is opened anew, and every connect is told', async () => {
  const { address, seen: requests } = await serve((_request, response) => {
    stream(response).write('\r\n');
  });
  const seen = follow([address], { timeouts: { silence: 100 } });
  await expect.poll(() => seen.connects).toBeGreaterThanOrEqual(3);
  expect(requests.length).toBeGreaterThanOrEqual(3);
});

test('heartbeats alone keep a stream open', async () => {
  let beats = 0;
  const { address } = await serve((_request, response) => {
    stream(response);
    const timer = setInterval(() => {
      beats += 1;
      response.write('\r\n');
    }, 50);
    response.on('close', () => clearInterval(timer));
  });
  const seen = follow([address], { timeouts: { silence: 1_000 } });
  // Thirty of them take longer than a silence may last.
  await expect.poll(() => beats).toBeGreaterThan(30);
  expect(seen.connects).toBe(1);
});

test('a broken stream goes on at the next address', async () => {
  const first = await serve((_request, response) => {
    stream(response).write(jettyEvent('status_update_event', { taskId: 't1' }));
    setImmediate(() => response.destroy());
  });
  const second = await serve((_request, response) =>
    stream(response).write(jettyEvent('status_update_event', { taskId: 't2' })),
  );
  const seen = follow([first.address, second.address]);
  await expect.poll(() => seen.events.map((event) => event.taskId)).toContain('t2');
  expect(seen.connects).toBeGreaterThanOrEqual(2);
});

test('an event that cannot be read is skipped', async () => {
  const { address } = await serve((_request, response) => {
    stream(response).write('event: status_update_event\r\ndata: {oops\r\n\r\n');
    response.write(jettyEvent('status_update_event', { taskId: 't2' }));
  });
  const seen = follow([address]);
  await expect.poll(() => seen.events).toHaveLength(1);
  expect(seen.events[0]?.taskId).toBe('t2');
});
