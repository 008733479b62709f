/** The WebSockets of the role node, each of which follows one log file. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { EkidenError, NotFoundError } from '../core/errors.ts';
import type { Follow, LogFiles, LogFrame } from '../core/log-file.ts';
import type { NodeInstances } from '../core/node.ts';
import { closeCodes, reasonOf, refuseUpgrade, sendFrame } from './frames.ts';
import { noInstance, targetOf } from './node-answers.ts';

export interface FollowersOptions {
  /** @throws AccessError for whoever may not ask. */
  check(request: IncomingMessage): void;
  instances: Pick<NodeInstances, 'find'>;
  logFiles: LogFiles;
}

/** Each holds files open, and watches a folder. */
const mostFollowers = 500;
const pingEvery = 20_000;
const stopPatience = 1_000;

/** Takes over the upgrades of `server`. */
export function serveFollowers(server: Server, options: FollowersOptions) {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: 1024,
  });
  const stopping = new AbortController();
  server.on('upgrade', (request, duplex: Duplex, head) => {
    duplex.on('error', () => undefined);
    const open = async () => {
      options.check(request);
      if (sockets.clients.size >= mostFollowers) throw tooMany();
      const frames = await framesOf(options, request.url ?? '/');
      sockets.handleUpgrade(request, duplex, head, (socket) => {
        void run(socket, frames, stopping.signal);
      });
    };
    open().catch((error: unknown) => refuseUpgrade(duplex, error));
  });
  return {
    async stop(): Promise<void> {
      stopping.abort();
      for (const socket of sockets.clients) socket.close(closeCodes.stopping, 'the node stops');
      const cut = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate();
      }, stopPatience);
      await new Promise<void>((resolve) => sockets.close(() => resolve()));
      clearTimeout(cut);
    },
  };
}

type Frames = (signal: AbortSignal) => AsyncIterable<LogFrame>;

async function framesOf({ instances, logFiles }: FollowersOptions, url: string): Promise<Frames> {
  const { pathname, searchParams } = new URL(url, 'http://node');
  const { instance, path } = targetOf(pathname) ?? {};
  if (instance === undefined || !path) {
    throw new NotFoundError('There is nothing to follow.', { code: 'E_NOT_FOUND' });
  }
  if (!(await instances.find(instance))) throw noInstance(instance);
  const from = Number(searchParams.get('from') ?? 0);
  const identity = searchParams.get('identity');
  const follow = (signal: AbortSignal): Follow => ({
    from: Number.isSafeInteger(from) ? from : 0,
    ...(identity === null ? {} : { identity }),
    signal,
  });
  return (signal) => logFiles.follow(instance, path, follow(signal));
}

async function run(socket: WebSocket, frames: Frames, stopping: AbortSignal): Promise<void> {
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, stopping]);
  socket.on('close', () => gone.abort()).on('error', () => gone.abort());
  const ping = keepAsking(socket);
  try {
    for await (const frame of frames(signal)) {
      await sendFrame(socket, frame, signal);
      if (signal.aborted) break;
    }
    if (!signal.aborted) socket.close(closeCodes.ended, 'nothing more will come');
  } catch (error) {
    if (!signal.aborted) socket.close(closeCodes.failed, reasonOf(error));
  } finally {
    clearInterval(ping);
  }
}

/**
 * Ends sockets of web roles that are gone. One that does not read, because its own client does not,
 * answers no ping either; it connects again where it was.
 */
function keepAsking(socket: WebSocket): NodeJS.Timeout {
  let isAlive = true;
  socket.on('pong', () => {
    isAlive = true;
  });
  return setInterval(() => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    socket.ping();
  }, pingEvery);
}

function tooMany(): EkidenError {
  return new EkidenError(`The node has ${mostFollowers} followers already.`, {
    ...{ code: 'E_SOCKETS', status: 503, mendedBy: 'ekiden', retryable: true },
    hint: 'Close pages that follow logs, or try again later.',
  });
}
