/** Finds ports for the parts of a stage. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** `count` addresses on loopback on which nobody listens now, as host:port. */
export async function freeAddresses(count: number): Promise<string[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports.map((port) => `127.0.0.1:${port}`);
}
