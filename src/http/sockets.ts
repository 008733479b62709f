/** WebSockets of the API: who asks is checked before the socket opens; then frames go one after the other. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Caller } from '../core/access.ts';
import { AccessError, EkidenError, messageOf, NotFoundError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { LogFrame } from '../core/log-file.ts';
import type { Ekiden } from '../ekiden.ts';
import { followOf } from './api/follow.ts';
import { pathOf, queryOf, stripBase } from './base-path.ts';
import { credentialsOf, isOwnOrigin } from './credentials.ts';
import { closeCodes, reasonOf, refuseUpgrade, sendFrame, shortReason } from './frames.ts';
import { ignoreUpgrade, isForSocket } from './other-upgrades.ts';
import type { SocketLimits } from './socket-limits.ts';

/** Milliseconds: whether the client is there, and may still look. */
const pingEvery = 20_000;
const askAgainEvery = 60_000;

/** Of one web role, so that forgotten pages cannot eat it up. */
const mostSockets = 2_000;

/** Of one user, so that one script cannot keep everybody else out. */
const mostOfUser = 200;

export interface Sockets {
  /** Closes all with a reason; resolves when they are closed, at once with those who do not answer. */
  stop(): Promise<void>;
}

export interface SocketsOptions {
  ekiden: Ekiden;
  limits: SocketLimits;
  /** The path that a proxy may leave in addresses. */
  base: string;
}

/** Takes over the upgrades of `server`. */
export function serveSockets(server: Server, options: SocketsOptions): Sockets {
  const { ekiden, base } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 4096,
  });
  const stopping = new AbortController();
  const ofUser = createCounter();
  /** Connections that are neither Node's any more nor a socket yet. */
  const pending = new Set<Duplex>();
  server.on('upgrade', (request, duplex: Duplex, head) => {
    if (!isForSocket(request)) return ignoreUpgrade(server, request, { duplex, head });
    duplex.on('error', () => undefined);
    stripBase(request, base);
    pending.add(duplex);
    const open = async () => {
      if (sockets.clients.size >= mostSockets) throw tooMany();
      const { caller, frames, mayStill } = await prepare(options, request, pathOf(request));
      if (ofUser.count(caller.user) >= mostOfUser) throw tooMany();
      sockets.handleUpgrade(request, duplex, head, (socket) => {
        ofUser.add(caller.user, 1);
        socket.once('close', () => ofUser.add(caller.user, -1));
        ekiden.log.debug({ path: pathOf(request), user: caller.username }, 'socket opened');
        void run({ socket, frames, mayStill, stopping: stopping.signal, log: ekiden.log });
      });
    };
    open()
      .catch((error: unknown) => refuseUpgrade(duplex, error))
      .finally(() => pending.delete(duplex));
  });
  return {
    async stop() {
      stopping.abort();
      for (const duplex of pending) duplex.destroy();
      for (const socket of sockets.clients) socket.close(closeCodes.stopping, 'Ekiden is stopping');
      const cut = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, 1_000);
      await new Promise<void>((resolve) => sockets.close(() => resolve()));
      clearTimeout(cut);
    },
  };
}

/** How many there are of each; those of whom there is none are forgotten. */
function createCounter() {
  const counts = new Map<number, number>();
  const count = (key: number) => counts.get(key) ?? 0;
  return {
    count,
    add(key: number, change: 1 | -1): void {
      const now = count(key) + change;
      if (now > 0) counts.set(key, now);
      else counts.delete(key);
    },
  };
}

function tooMany(): EkidenError {
  return new EkidenError('Too many sockets are open, in all or of this user.', {
    ...{ code: 'E_SOCKETS', status: 503, mendedBy: 'ekiden', retryable: true },
    hint: 'Close some, or try again later.',
  });
}

/** All checks, before anything is opened. */
async function prepare({ ekiden, limits }: SocketsOptions, request: IncomingMessage, path: string) {
  const query = queryOf(request);
  const entered = await limits.enter(request);
  const caller = await identify(ekiden, request, query).catch(async (error: unknown) => {
    if (error instanceof AccessError && error.status === 401) await entered.noteRefused();
    throw error;
  });
  await entered.count(caller);
  const { project, frames } = await followOf(ekiden, { path, query, caller });
  const mayStill = async () => {
    // A token may have been revoked since; a ticket is used up.
    if (!query.has('ticket')) await identify(ekiden, request, query);
    await ekiden.access.authorize(caller, project, { ability: 'look' });
  };
  return { caller, frames, mayStill };
}

/** A browser brings a ticket and says where it is; programs send a token. */
async function identify(
  ekiden: Ekiden,
  request: IncomingMessage,
  query: URLSearchParams,
): Promise<Caller> {
  const { origin } = request.headers;
  if (origin !== undefined && !isOwnOrigin(origin, ekiden.config.url)) {
    throw new AccessError('The request comes from another site.', {
      code: 'E_ORIGIN',
      status: 403,
      hint: 'Open Ekiden at EKIDEN_URL.',
    });
  }
  const ticket = query.get('ticket');
  const credentials = ticket
    ? ({ kind: 'ticket', value: ticket } as const)
    : credentialsOf(request);
  if (!credentials || credentials.kind === 'session') {
    throw new AccessError('A socket needs a ticket or a token.', {
      code: 'E_SIGN_IN',
      status: 401,
      hint: 'POST /api/v1/tickets gives a ticket for ?ticket=…; programs send PRIVATE-TOKEN.',
    });
  }
  return ekiden.access.identify(credentials);
}

interface Running {
  socket: WebSocket;
  frames: (signal: AbortSignal) => AsyncIterable<LogFrame>;
  /** @throws once the caller may no longer look. */
  mayStill: () => Promise<void>;
  stopping: AbortSignal;
  log: Log;
}

async function run({ socket, frames, mayStill, stopping, log }: Running): Promise<void> {
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, stopping]);
  socket.on('close', () => gone.abort()).on('error', () => gone.abort());
  const watch = watchOver(socket, mayStill);
  try {
    for await (const frame of frames(signal)) {
      // A slow client answers a ping only once it has read all that came before.
      if (await sendFrame(socket, frame, signal)) watch.noteLife();
      if (frame.type === 'end') socket.close(closeCodes.ended, shortReason(frame.reason));
      if (signal.aborted) break;
    }
    if (!signal.aborted) socket.close(closeCodes.ended, 'nothing more will come');
  } catch (error) {
    if (signal.aborted) return;
    log.warn({ error: messageOf(error) }, 'a socket failed');
    socket.close(closeCodes.failed, reasonOf(error));
  } finally {
    watch.stop();
  }
}

/** Ends the sockets of clients that are gone, and of people whose role is. */
function watchOver(socket: WebSocket, mayStill: () => Promise<void>) {
  let isAlive = true;
  const noteLife = () => {
    isAlive = true;
  };
  socket.on('pong', noteLife);
  const ping = setInterval(() => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    socket.ping();
  }, pingEvery);
  const ask = setInterval(() => {
    mayStill().catch((error: unknown) => {
      const isRefusal = error instanceof AccessError || error instanceof NotFoundError;
      if (isRefusal) socket.close(closeCodes.refused, shortReason(messageOf(error)));
    });
  }, askAgainEvery);
  return {
    noteLife,
    stop() {
      clearInterval(ping);
      clearInterval(ask);
    },
  };
}
