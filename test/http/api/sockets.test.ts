/** WebSockets of the API: who gets in, what comes, and how it ends. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { AccessError } from '../../../src/core/errors.ts';
import { poll } from '../../demo/poll.ts';
import { useRedis } from '../../support/redis.ts';
import { sampleBuild } from '../../support/samples.ts';
import { type Api, openApi } from './rig.ts';

const redis = useRedis();
const within = { within: 25_000, what: 'the frames' };

interface Seen {
  bytes: string;
  frames: { type: string; offset?: number; reason?: string }[];
  close?: { code: number; reason: string };
}

function openSocket(api: Api, path: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}/api/v1${path}`, { headers });
  const seen: Seen = { bytes: '', frames: [] };
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) seen.bytes += data.toString('latin1');
    else seen.frames.push(JSON.parse(data.toString()));
  });
  socket.on('close', (code, reason) => {
    seen.close = { code, reason: reason.toString() };
  });
  socket.on('error', () => undefined);
  return { socket, seen };
}

/** What is answered in place of a socket. */
async function refusal(api: Api, path: string, headers: Record<string, string> = {}) {
  const { socket } = openSocket(api, path, headers);
  const [, response] = await once(socket, 'unexpected-response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode, ...JSON.parse(Buffer.concat(chunks).toString()) };
}

async function buildWithLog(api: Api, text: string) {
  await api.ekiden.builds.create(sampleBuild({ project: api.project }));
  let number = 0;
  const append = (more: Buffer) => {
    number += 1;
    return api.ekiden.buildLogStore.append({ build: 'b1', writer: 'test', number, bytes: more });
  };
  await append(Buffer.from(text));
  return { append, path: `/projects/${api.project}/builds/b1/log` };
}

test('a build log is followed to its end, byte by byte', async () => {
  const api = await openApi({ redis });
  const { append, path } = await buildWithLog(api, 'one\n');
  const { seen } = openSocket(api, path, { 'PRIVATE-TOKEN': api.tokens.reporter });
  await poll(() => seen.bytes === 'one\n' || undefined, within);
  await append(Buffer.from([0xff, 0x00, 0x0a]));
  await poll(() => seen.bytes.length === 7 || undefined, within);
  expect(Buffer.from(seen.bytes, 'latin1').subarray(4)).toEqual(Buffer.from([0xff, 0x00, 0x0a]));
  await api.ekiden.builds.end('b1', 'succeeded');
  await poll(() => seen.close, within);
  expect(seen.close).toEqual({ code: 1000, reason: 'the build has ended' });
  expect(seen.frames).toMatchObject([{ type: 'position', offset: 0 }, { type: 'end' }]);
});

test.each([
  { from: '4', bytes: 'two\n' },
  { from: '-4', bytes: 'two\n' },
  { from: '8', bytes: '' },
])('a log is followed from byte $from', async ({ from, bytes }) => {
  const api = await openApi({ redis });
  const { path } = await buildWithLog(api, 'one\ntwo\n');
  await api.ekiden.builds.end('b1', 'succeeded');
  const { seen } = openSocket(api, `${path}?from=${from}`, {
    'PRIVATE-TOKEN': api.tokens.reporter,
  });
  await poll(() => seen.close, within);
  expect(seen.bytes).toBe(bytes);
});

test('a range of a log is answered as such', async () => {
  const api = await openApi({ redis });
  const { path } = await buildWithLog(api, 'one\ntwo\n');
  const token = api.tokens.reporter;
  const ask = (Range: string) => api.call('GET', path, { token, headers: { Range } });
  expect(await ask('bytes=4-6')).toMatchObject({ status: 206, text: 'two' });
  expect(await ask('bytes=-4')).toMatchObject({ status: 206, text: 'two\n' });
  expect((await ask('bytes=4-')).headers.get('content-range')).toBe('bytes 4-7/8');
  const beyond = await ask('bytes=8-');
  expect(beyond).toMatchObject({ status: 416, body: { code: 'E_RANGE' } });
  expect(beyond.headers.get('content-range')).toBe('bytes */8');
  expect(await ask('lines=1-2')).toMatchObject({ status: 200, text: 'one\ntwo\n' });
  const head = await api.call('HEAD', path, { token });
  expect([head.status, head.headers.get('content-length'), head.text]).toEqual([200, '8', '']);
});

test('a browser gets in with a ticket, once', async () => {
  const api = await openApi({ redis });
  const { path } = await buildWithLog(api, 'one\n');
  const { body } = await api.call('POST', '/tickets', { token: api.tokens.reporter });
  const { ticket } = body as { ticket: string };
  const origin = { Origin: 'http://ekiden.test' };
  const { seen } = openSocket(api, `${path}?ticket=${ticket}`, origin);
  await poll(() => seen.bytes === 'one\n' || undefined, within);
  expect(await refusal(api, `${path}?ticket=${ticket}`, origin)).toMatchObject({ status: 401 });
});

test('others are refused before the socket opens, with the reason', async () => {
  const api = await openApi({ redis });
  const { path } = await buildWithLog(api, 'one\n');
  const reporter = { 'PRIVATE-TOKEN': api.tokens.reporter };
  const table: [string, Record<string, string>, number, string][] = [
    [path, {}, 401, 'E_SIGN_IN'],
    [path, { 'PRIVATE-TOKEN': api.tokens.guest }, 404, 'E_PROJECT'],
    [path, { ...reporter, Origin: 'https://evil.example' }, 403, 'E_ORIGIN'],
    [`${path}?from=x`, reporter, 422, 'E_INPUT'],
    [path.replace('b1', 'b2'), reporter, 404, 'E_NOT_FOUND'],
    ['/nothing', reporter, 404, 'E_NOT_FOUND'],
  ];
  for (const [at, headers, status, code] of table) {
    expect([at, await refusal(api, at, headers)]).toMatchObject([at, { status, code }]);
  }
});

test('wrong tokens count for sockets as they do elsewhere', async () => {
  const api = await openApi({ redis });
  const { path } = await buildWithLog(api, 'one\n');
  const wrong = { 'PRIVATE-TOKEN': 'wrong' };
  const statuses: number[] = [];
  for (let asked = 0; asked < 70 && statuses.at(-1) !== 429; asked += 1) {
    statuses.push((await refusal(api, path, wrong)).status);
  }
  expect(statuses.slice(0, 60)).toEqual(Array(60).fill(401));
  expect(statuses.at(-1)).toBe(429);
  expect((await api.call('GET', '/self', { token: 'wrong' })).status).toBe(429);
});

test('a page that is left frees what it followed', async () => {
  const api = await openApi({ redis });
  const { path } = await buildWithLog(api, 'one\n');
  let left = false;
  const { buildLogReader } = api.ekiden;
  api.ekiden.buildLogReader = {
    ...buildLogReader,
    async *follow(build, follow) {
      yield* buildLogReader.follow(build, follow);
      left = true;
    },
  };
  const { socket, seen } = openSocket(api, path, { 'PRIVATE-TOKEN': api.tokens.reporter });
  await poll(() => seen.bytes === 'one\n' || undefined, within);
  socket.terminate();
  await poll(() => left || undefined, within);
});

test.each(['//[', '/api/v1/projects/%zz/builds/b1/log'])(
  'the address %s is refused as a wrong one',
  async (path) => {
    const api = await openApi({ redis });
    const { answer } = await upgrade(api, path);
    expect(answer).toMatch(/^HTTP\/1\.1 (400 Bad Request|404 Not Found)\r\n/);
  },
);

test('whoever is refused and keeps the connection open is cut off', async () => {
  const api = await openApi({ redis });
  const { answer, isClosed } = await upgrade(api, '/nothing');
  expect(answer).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
  await poll(() => isClosed() || undefined, within);
});

test('a failure inside is told by no more than that it is one', async () => {
  const api = await openApi({ redis });
  const { path } = await buildWithLog(api, 'one\n');
  api.ekiden.buildLogReader = {
    ...api.ekiden.buildLogReader,
    async *follow() {
      yield { type: 'position', identity: 'a', offset: 0 };
      throw new Error('connect ECONNREFUSED 10.0.0.1:6379');
    },
  };
  const { seen } = openSocket(api, path, { 'PRIVATE-TOKEN': api.tokens.reporter });
  await poll(() => seen.close, within);
  expect(seen.close).toEqual({ code: 1011, reason: 'Ekiden failed inside; its log tells more.' });
  expect(api.logged()).toContain('ECONNREFUSED');
});

/** Asks for a socket byte by byte, and never closes the connection by itself. */
async function upgrade(api: Api, path: string) {
  const { hostname, port } = new URL(api.url);
  const connection = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  let answer = '';
  connection.on('data', (bytes) => {
    answer += bytes;
  });
  connection.on('error', () => undefined);
  onTestFinished(() => void connection.destroy());
  const fields = {
    ...{ Host: 'ekiden', Connection: 'Upgrade', Upgrade: 'websocket' },
    ...{ 'Sec-WebSocket-Version': 13, 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==' },
    'PRIVATE-TOKEN': api.tokens.reporter,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`);
  connection.write(`${[`GET ${path} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`);
  await poll(() => answer.includes('\r\n\r\n') || undefined, within);
  /** Writing on tells whether the other side is gone: it resets what it no longer knows. */
  const isClosed = () => {
    if (!connection.destroyed) connection.write('more');
    return connection.destroyed;
  };
  return { answer, isClosed };
}

test('one user cannot take all sockets, and gets new ones for those that are closed', async () => {
  const api = await openApi({ redis });
  const { path } = await buildWithLog(api, 'one\n');
  const reporter = { 'PRIVATE-TOKEN': api.tokens.reporter };
  const opened = Array.from({ length: 200 }, () => openSocket(api, path, reporter));
  await poll(() => opened.every(({ seen }) => seen.bytes === 'one\n') || undefined, within);
  expect(await refusal(api, path, reporter)).toMatchObject({ status: 503, code: 'E_SOCKETS' });
  const other = openSocket(api, path, { 'PRIVATE-TOKEN': api.tokens.developer });
  await poll(() => other.seen.bytes === 'one\n' || undefined, within);
  opened[0]?.socket.terminate();
  await poll(async () => {
    const { seen } = openSocket(api, path, reporter);
    await poll(() => seen.bytes === 'one\n' || seen.close, within);
    return seen.bytes === 'one\n' || undefined;
  }, within);
  for (const { socket } of opened) socket.terminate();
});

test('when Ekiden stops, sockets are told, and who is about to get one is not waited for', async () => {
  const api = await openApi({ redis });
  const { path } = await buildWithLog(api, 'one\n');
  const { seen } = openSocket(api, path, { 'PRIVATE-TOKEN': api.tokens.reporter });
  await poll(() => seen.bytes === 'one\n' || undefined, within);
  let isAsked = false;
  const identify = () => {
    isAsked = true;
    return new Promise<never>(() => undefined);
  };
  api.ekiden.access = { ...api.ekiden.access, identify };
  const waiting = openSocket(api, path, { 'PRIVATE-TOKEN': api.tokens.reporter });
  await poll(() => isAsked || undefined, within);

  await api.stop();
  await poll(() => seen.close && waiting.seen.close, within);
  expect(seen.close).toEqual({ code: 1001, reason: 'Ekiden is stopping' });
});

test('a socket ends when its token is revoked', async () => {
  const intervals = vi.spyOn(globalThis, 'setInterval');
  onTestFinished(() => intervals.mockRestore());
  const api = await openApi({ redis });
  const { path } = await buildWithLog(api, 'one\n');
  const { seen } = openSocket(api, path, { 'PRIVATE-TOKEN': api.tokens.reporter });
  await poll(() => seen.bytes === 'one\n' || undefined, within);
  const refuse = async () => {
    throw new AccessError('GitLab does not take the token.', { code: 'E_TOKEN', status: 401 });
  };
  api.ekiden.access = { ...api.ekiden.access, identify: refuse };
  // What would happen after a minute, in which the test would have to answer pings.
  for (const [look, every] of intervals.mock.calls) if (every === 60_000) look();
  await poll(() => seen.close, within);
  expect(seen.close).toEqual({ code: 1008, reason: 'GitLab does not take the token.' });
});
