/** A private certificate authority, and a server that it vouches for, made with openssl. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { makeFolder } from './redis.ts';

export interface SecureServer {
  /** `https://localhost:<port>` */
  url: string;
  /** File with the certificate of the authority. */
  caFile: string;
}

/** Answers on localhost with a certificate that no public authority signed. */
export async function startSecureServer(listener: RequestListener): Promise<SecureServer> {
  const folder = await makeFolder();
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    ...['req', '-x509', ...newKey, '-subj', '/CN=Private authority', '-days', '2'],
    ...['-keyout', 'ca.key', '-out', 'ca.pem'],
  );
  openssl('req', ...newKey, '-subj', '/CN=localhost', '-keyout', 'key.pem', '-out', 'request.pem');
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost\n');
  openssl(
    ...['x509', '-req', '-in', 'request.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key'],
    ...['-CAcreateserial', '-days', '2', '-extfile', 'names', '-out', 'certificate.pem'],
  );
  const read = (name: string) => readFileSync(join(folder, name));
  const server = createServer({ key: read('key.pem'), cert: read('certificate.pem') }, listener);
  await new Promise<void>((listening) => server.listen(0, 'localhost', listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `https://localhost:${port}`, caFile: join(folder, 'ca.pem') };
}
