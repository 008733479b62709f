/** Servers of tests keep connections. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';

test('a server of a test keeps connections for longer than Node does', async () => {
  const server = createServer((_, response) => void response.end());
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  expect(server.keepAliveTimeout).toBe(65_000);
});
