/** The node's own server: who may ask, what it answers, and that slow readers cost nothing. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createNodeSignature } from '../../src/clients/node-signature.ts';
import { clientOf, secret, startNodeFor, throughServer } from '../logs/remote.ts';
import { follow, instance, makeSandbox, outline, until } from '../logs/rig.ts';

const signature = createNodeSignature(secret);
const seconds = () => Date.now() / 1000;

async function ask(
  url: string,
  target: string,
  init: RequestInit & { authorization?: string } = {},
) {
  const authorization = init.authorization ?? signature.sign(init.method ?? 'GET', target);
  const headers = { ...(init.headers as Record<string, string>), authorization };
  return fetch(url + target, { ...init, headers });
}

test.each([
  ['no signature', '', 'not signed'],
  ['something else', 'Bearer x', 'not signed'],
  ['another secret', createNodeSignature('other').sign('GET', '/instances'), 'wrong'],
  ['another method', signature.sign('HEAD', '/instances'), 'wrong'],
  ['another path', signature.sign('GET', '/metrics'), 'wrong'],
  [
    'an old one',
    createNodeSignature(secret, () => seconds() - 120).sign('GET', '/instances'),
    'old',
  ],
  [
    'a long one',
    createNodeSignature(secret, () => seconds() + 120).sign('GET', '/instances'),
    'long',
  ],
])('%s is refused', async (_name, authorization, why) => {
  const { report } = await throughServer(await makeSandbox());
  const answer = await ask(report.url, '/instances', { authorization });
  expect(answer.status).toBe(401);
  const problem = (await answer.json()) as { title: string };
  expect(problem).toMatchObject({ code: 'E_NODE_SIGNATURE' });
  expect(problem.title).toContain(why);
  const socket = new WebSocket(`${report.url}/instances/${instance}/files/stdout`, {
    headers: { authorization },
  });
  const error = await new Promise<Error>((resolve) => socket.on('error', resolve));
  expect(error.message).toContain('401');
});

test('health is told to everybody, and nothing else', async () => {
  const { report } = await throughServer(await makeSandbox());
  expect((await fetch(`${report.url}/healthz`)).status).toBe(200);
  expect((await fetch(`${report.url}/instances`)).status).toBe(401);
});

test('instances, their files and their metrics are told', async () => {
  const { folder, ...sandbox } = await makeSandbox();
  const { report, client } = await throughServer({ folder, ...sandbox });
  await writeFile(join(folder, 'stdout'), 'hello');
  const get = async (target: string) => (await ask(report.url, target)).json();
  const known = { id: instance, app: '/shop/production/web', isAlive: true };
  expect(await get('/instances')).toEqual({ items: [known] });
  expect(await get('/instances?app=%2Fshop%2Fproduction%2Fweb')).toEqual({ items: [known] });
  expect(await get('/instances?app=%2Fshop')).toEqual({ items: [] });
  expect(await client.instancesOf('/shop/production/web')).toEqual([instance]);
  expect(await get(`/instances/${instance}`)).toEqual(known);
  expect(await get(`/instances/${instance}/files`)).toMatchObject({
    items: [{ path: 'stdout', size: 5 }],
  });
  expect(await get('/metrics?app=%2Fshop')).toEqual({ items: [] });
  for (const target of ['/', '/instances/none', '/instances/none/files', '/instances/%zz']) {
    expect((await ask(report.url, target)).status).toBeGreaterThanOrEqual(400);
  }
  expect((await ask(report.url, '/instances', { method: 'DELETE' })).status).toBe(404);
});

test('a file is answered with ranges, HEAD and ETag', async () => {
  const { folder, ...sandbox } = await makeSandbox();
  const { report } = await throughServer({ folder, ...sandbox });
  await writeFile(join(folder, 'stdout'), '0123456789');
  const target = `/instances/${instance}/files/stdout`;
  const whole = await ask(report.url, target);
  expect([whole.status, await whole.text()]).toEqual([200, '0123456789']);
  const part = await ask(report.url, target, { headers: { range: 'bytes=2-4' } });
  expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
    ...[206, 'bytes 2-4/10', '234'],
  ]);
  const tail = await ask(report.url, target, { headers: { range: 'bytes=-3' } });
  expect(await tail.text()).toBe('789');
  const beyond = await ask(report.url, target, { headers: { range: 'bytes=10-' } });
  expect([beyond.status, await beyond.json()]).toMatchObject([416, { code: 'E_RANGE' }]);
  const head = await ask(report.url, target, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '10']);
  const etag = whole.headers.get('etag') ?? '';
  const same = await ask(report.url, target, { headers: { 'if-none-match': etag } });
  expect(same.status).toBe(304);
  await appendFile(join(folder, 'stdout'), 'x');
  const other = await ask(report.url, target, { headers: { 'if-none-match': etag } });
  expect(other.status).toBe(200);
});

test('a client that does not read makes the node hold little', async () => {
  const sandbox = await makeSandbox();
  const { report } = await throughServer(sandbox);
  const target = `/instances/${instance}/files/logs%2Fapp.log`;
  const fd = openSync(join(sandbox.folder, 'logs/app.log'), 'a');
  const socket = new WebSocket(report.url + target, {
    headers: { authorization: signature.sign('GET', target) },
    perMessageDeflate: false,
  });
  await new Promise((resolve) => socket.on('open', resolve));
  socket.pause();
  const megabyte = Buffer.alloc(1024 * 1024, 'x');
  const before = process.memoryUsage();
  for (let written = 0; written < 48; written += 1) {
    writeSync(fd, megabyte);
    await new Promise((wake) => setTimeout(wake, 5));
  }
  closeSync(fd);
  const after = process.memoryUsage();
  const grown = after.external + after.arrayBuffers - before.external - before.arrayBuffers;
  expect(grown).toBeLessThan(16 * 1024 * 1024);
  let got = 0;
  socket.on('message', (bytes: Buffer, isBinary) => {
    if (isBinary) got += bytes.length;
  });
  socket.resume();
  await until(() => got === 48 * megabyte.length);
  socket.terminate();
});

test('whoever is far behind is moved on, and told so', async () => {
  const sandbox = await makeSandbox();
  const path = join(sandbox.folder, 'logs/app.log');
  await writeFile(path, 'begin\n');
  const stopping = new AbortController();
  const frames = sandbox.logFiles.follow(instance, 'logs/app.log', { signal: stopping.signal });
  const reader = frames[Symbol.asyncIterator]();
  expect((await reader.next()).value).toMatchObject({ type: 'position', offset: 0 });
  expect((await reader.next()).value).toMatchObject({ type: 'data' });
  const megabyte = Buffer.alloc(1024 * 1024, 'x');
  const fd = openSync(path, 'a');
  for (let written = 0; written < 66; written += 1) writeSync(fd, megabyte);
  closeSync(fd);
  const kinds: string[] = [];
  let skipped = 0;
  let got = 0;
  while (got + skipped < 66 * megabyte.length) {
    const { value } = await reader.next();
    kinds.push(value.type);
    if (value.type === 'skipped') skipped += value.bytes;
    if (value.type === 'data') got += value.bytes.length;
  }
  expect(kinds.slice(0, 3)).toEqual(['skipped', 'position', 'data']);
  expect(got + skipped).toBe(66 * megabyte.length);
  stopping.abort();
  await reader.return?.();
});

test('a follower goes on over a restart of the node, without gap or repetition', async () => {
  const sandbox = await makeSandbox();
  const path = join(sandbox.folder, 'stdout');
  await writeFile(path, 'one\n');
  const { server, report } = await startNodeFor(sandbox);
  const following = follow(clientOf([report]).logFiles, 'stdout');
  await until(() => following.text() === 'one\n');
  await server.stop();
  await appendFile(path, 'two\n');
  await startNodeFor(sandbox, { port: server.port });
  await until(() => following.text() === 'one\ntwo\n');
  // The identity tells more by then; the place is the same.
  expect(outline(following.frames)).toEqual(['position', '4', 'position', '4']);
  expect(following.frames[2]).toMatchObject({ type: 'position', offset: 4 });
});

test('a node that stops says so to its followers', async () => {
  const sandbox = await makeSandbox();
  await writeFile(join(sandbox.folder, 'stdout'), 'one\n');
  const { server, report } = await startNodeFor(sandbox);
  const target = `/instances/${instance}/files/stdout?from=0`;
  const socket = new WebSocket(report.url + target, {
    headers: { authorization: signature.sign('GET', target) },
  });
  await new Promise((resolve) => socket.once('message', resolve));
  const closed = new Promise((resolve) => {
    socket.on('close', (code, reason) => resolve([code, String(reason)]));
  });
  await server.stop();
  expect(await closed).toEqual([1001, 'the node stops']);
});
