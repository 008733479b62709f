/** Servers that play a registry for one test, and clients that are closed with it. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { createRegistry, digestOf } from '../../src/clients/registry.ts';

export const manifestBytes = Buffer.from('{"schemaVersion":2}');
export const manifestType = 'application/vnd.oci.image.manifest.v1+json';
export const manifestHeaders = {
  'content-type': manifestType,
  'docker-content-digest': digestOf(manifestBytes),
};

/** Answers `host:port` of a server that lives as long as the test. */
export async function serve(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function open(options: Parameters<typeof createRegistry>[0] = {}) {
  const registry = createRegistry(options);
  onTestFinished(() => registry.close());
  return registry;
}
