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
  let text = '';
  connection.on('data', (bytes) => {
    text += bytes;
  });
  return {
    write: (request: string) => connection.write(request),
    /** Resolves to all that came, once `part` did. */
    heard: (part: RegExp) =>
      poll(() => (part.test(text) ? text : undefined), { within: 5_000, what: String(part) }),
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

test('a hook is taken whatever else its sender would like to speak', async () => {
  const { url } = await openApi({ redis });
  const { write, heard } = await openConnection(url);
  write(`POST /hooks/gitlab HTTP/1.1\r\nHost: a\r\n${upgrade}Content-Length: 2\r\n\r\n`);
  write('{}');
  expect(await heard(/E_HOOK_SECRET/)).toMatch(/^HTTP\/1\.1 401 /);
});
