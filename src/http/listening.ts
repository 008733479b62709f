/** Lets a server listen at `host:port`, and ends it without cutting answers off. */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SetupError } from '../core/errors.ts';

export interface Listening {
  /** `host:port`; port 0 takes a free one. */
  address: string;
  /** The setting that names the address, for whoever has to change it. */
  setting: string;
}

/** Answers the port. @throws SetupError when the address is taken or cannot be used. */
export function listen(server: Server, { address, setting }: Listening): Promise<number> {
  const colon = address.lastIndexOf(':');
  const [host, port] = [address.slice(0, colon), Number(address.slice(colon + 1))];
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const what = error.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${error.code})`;
      reject(
        new SetupError(`${address} ${what}.`, {
          code: 'E_LISTEN',
          hint: `Set ${setting} to a free host:port.`,
          cause: error,
        }),
      );
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
