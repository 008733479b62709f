/** Lets a server listen at `host:port`, and ends it without cutting answers off. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { addressOf, listenError } from '../core/address.ts';

export interface Listening {
  /** `host:port`; port 0 takes a free one. */
  address: string;
  /** The setting that names the address, for whoever has to change it. */
  setting: string;
}

export interface Listener {
  /** Port that it really listens on. */
  port: number;
  /**
   * Takes no new connection, and resolves when the last answer is out, after five seconds at most.
   * Node closes only connections that wait for a next request at that moment. So a client that asks
   * on over a kept one is told to end it, one whose answer had begun is ended once it idles, and one
   * that never said anything is not waited for.
   */
  stop(): Promise<void>;
}

/**
 * Milliseconds that a connection is kept for a next request: longer than proxies and clients keep
 * theirs, since a request that meets the end of its connection is lost.
 */
const keptFor = 75_000;

/** @throws SetupError when the address is taken or cannot be used. */
export async function listen(server: Server, listening: Listening): Promise<Listener> {
  server.keepAliveTimeout = keptFor;
  const connections = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    // An upgrade that is ignored has Node take the same connection once more.
    if (connections.has(socket)) return;
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  const port = await bind(server, listening);
  return {
    port,
    stop() {
      return stop(server, connections);
    },
  };
}

function bind(server: Server, { address, setting }: Listening): Promise<number> {
  const { host, port } = addressOf(address);
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(listenError({ address, setting, program: 'node', error }));
    });
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port));
  });
}

const stopPatience = 5_000;
/** Also how long a request may be under way on a connection that is still silent. */
const sweepInterval = 50;

function stop(server: Server, connections: Set<Socket>): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.closeAllConnections(), stopPatience);
    const sweep = setInterval(() => {
      server.closeIdleConnections();
      for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
    }, sweepInterval);
    server.prependListener('request', endConnection);
    server.prependListener('checkContinue', endConnection);
    server.close(() => {
      clearTimeout(cut);
      clearInterval(sweep);
      resolve();
    });
  });
}

function endConnection(_request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Connection', 'close');
}
