/** Lets a server listen at `host:port`, and ends it without cutting answers off. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addressOf, listenError } from '../core/address.ts';

export interface Listening {
  /** `host:port`; port 0 takes a free one. */
  address: string;
  /** The setting that names the address, for whoever has to change it. */
  setting: string;
}

/** Answers the port. @throws SetupError when the address is taken or cannot be used. */
export function listen(server: Server, { address, setting }: Listening): Promise<number> {
  const { host, port } = addressOf(address);
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(listenError({ address, setting, program: 'node', error }));
    });
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port));
  });
}

const stopPatience = 5_000;

/** Takes no new connection, and resolves when the last answer is out, after five seconds at most. */
export function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), stopPatience);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
