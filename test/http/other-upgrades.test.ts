/** Requests that would rather be of another protocol are answered all the same. */
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { poll } from '../demo/poll.ts';
import { useRedis } from '../support/redis.ts';
import { openApi } from './api/rig.ts';

const redis = useRedis();
const upgrade =
  'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';

async function openConnection(address: string) {
  const { hostname, port } = new URL(address);
  const connection = connect(Number(port), hostname);
  onTestFinished(() => void connection.destroy());
  connection.on('error', () => undefined);
  const closed = new Promise((resolve) => connection.once('close', resolve));
  let text = '';
  connection.on('data', (bytes) => {
    text += bytes;
  });
  return {
    closed,
    write: (request: string) => connection.write(request),
    /** Resolves once so many answers of /healthz came. */
    answered: (count: number) =>
      poll(() => text.split('ok\n').length > count || undefined, {
        within: 25_000,
        what: `answer ${count}`,
      }),
    /** Resolves to all that came, once `part` did. */
    heard: (part: RegExp) =>
      poll(() => (part.test(text) ? text : undefined), { within: 25_000, what: String(part) }),
  };
}

test('a client that asks for HTTP/2 gets its answers, one after the other on one connection', async () => {
  const { url, tokens } = await openApi({ redis });
  const { write, heard } = await openConnection(url);
  write(`GET /healthz HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`);
  expect(await heard(/ok\n$/)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  const head = `POST /api/v1/tickets HTTP/1.1\r\nHost: a\r\nPRIVATE-TOKEN: ${tokens.guest}\r\n`;
  write(`${head}${upgrade}Content-Length: 2\r\n\r\n{}GET /none HTTP/1.1\r\nHost: a\r\n\r\n`);
  expect(await heard(/E_NOT_FOUND/)).toMatch(
    /HTTP\/1\.1 201 Created[\s\S]*HTTP\/1\.1 404 Not Found/,
  );
});

test('a connection is watched over once, however often its client asks for HTTP/2', async () => {
  const { url } = await openApi({ redis });
  const { write, answered } = await openConnection(url);
  const warned: Error[] = [];
  // Other parts of this process may warn of what is theirs.
  const note = (warning: Error) => {
    if (warning.name === 'MaxListenersExceededWarning') warned.push(warning);
  };
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  for (let count = 1; count <= 20; count += 1) {
    write(`GET /healthz HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`);
    await answered(count);
  }
  await new Promise((resolve) => setImmediate(resolve));
  expect(warned).toEqual([]);
});

test('a client that wants the end with its answer gets it, whatever else it would like', async () => {
  const { url } = await openApi({ redis });
  const { write, heard, closed } = await openConnection(url);
  const both = upgrade.replace('Connection: ', 'Connection: close, ');
  write(`GET /healthz HTTP/1.1\r\nHost: a\r\n${both}\r\n`);
  expect(await heard(/ok\n$/)).toMatch(/\r\nConnection: close\r\n/);
  await closed;
});

test('a hook is taken whatever else its sender would like to speak', async () => {
  const { url } = await openApi({ redis });
  const { write, heard } = await openConnection(url);
  write(`POST /hooks/gitlab HTTP/1.1\r\nHost: a\r\n${upgrade}Content-Length: 2\r\n\r\n`);
  write('{}');
  expect(await heard(/E_HOOK_SECRET/)).toMatch(/^HTTP\/1\.1 401 /);
});
