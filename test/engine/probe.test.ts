/** Asking once by HTTP: what each kind of answer says of an instance. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import pLimit from 'p-limit';
import { expect, it, onTestFinished } from 'vitest';
import { normalizeHealthCheck } from '../../src/engine/apps/check-definition.ts';
import { probe } from '../../src/engine/checks/probe.ts';
import type { Instance } from '../../src/engine/state/cluster.ts';
import { appOf } from './definitions.ts';
import { docker } from './harness.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
const PROCESSING = 'HTTP/1.1 102 Processing\r\n\r\n';
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';

const instance: Instance = {
  id: 'a.instance-1',
  appId: '/a',
  version: '2026-01-01T00:00:00.000Z',
  incarnation: 1,
  condition: 'Running',
  goal: 'Running',
  scheduledAt: '2026-01-01T00:00:00.000Z',
  containerId: 'none',
  ports: [],
  health: [],
};

/** Answers every request with the same bytes, and leaves the connection open. */
async function answering(text: string): Promise<number> {
  const server = createServer((socket) => {
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined).once('data', () => socket.write(text));
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

const failed = (cause: string) => ({ ok: false, cause });

it.each([
  ['a redirect', 'HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n', false, { ok: true }],
  ['a body that never ends', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', false, { ok: true }],
  ['an error', 'HTTP/1.1 400 Bad\r\n\r\n', false, failed('HTTP 400 from /')],
  ['nothing but 102', PROCESSING, false, failed('HTTP 102 from /')],
  ['nothing but 102, ignored', PROCESSING, true, 'ignored'],
  ['101', SWITCHING, false, failed('HTTP 101 from /')],
  ['101, ignored', SWITCHING, true, 'ignored'],
  ['102 before 200', PROCESSING + OK, false, { ok: true }],
  [
    '102, ignored, before 400',
    `${PROCESSING}HTTP/1.1 400 Bad\r\n\r\n`,
    true,
    failed('HTTP 400 from /'),
  ],
])('judges %s', async (_, text, ignoreHttp1xx, expected) => {
  const port = await answering(text);
  const check = normalizeHealthCheck({ protocol: 'HTTP', port, ignoreHttp1xx, timeoutSeconds: 1 });
  const app = appOf({ id: '/a', networks: [{ mode: 'host' }] });
  expect(await probe({ docker, app, instance, check, starts: pLimit(1) })).toEqual(expected);
});
