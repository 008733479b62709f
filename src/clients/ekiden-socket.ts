/** Follows a log by a WebSocket of Ekiden's API, over breaks of the connection. */
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { EkidenError, RemoteError } from '../core/errors.ts';
import { type EkidenConnection, headersOf, problemOf, unreachable } from './ekiden-request.ts';
import { endWhenSilent } from './silence.ts';

export interface FollowLog {
  /** Below /api/v1. */
  path: string;
  /** Byte to begin at; negative: so many before the end. */
  from: number;
  signal: AbortSignal;
}

export type FollowedPart =
  | { type: 'data'; bytes: Buffer }
  /** So many bytes were left out, since they came faster than they were taken. */
  | { type: 'skipped'; bytes: number };

const frameSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('position'), identity: z.string(), offset: z.number() }),
  z.object({ type: z.literal('rotated') }),
  z.object({ type: z.literal('skipped'), bytes: z.number() }),
  z.object({ type: z.literal('end'), reason: z.string() }),
]);
type Frame = z.output<typeof frameSchema> | { type: 'data'; bytes: Buffer };

/** Connections in a row that may bring nothing, and the pauses before each, in milliseconds. */
const fruitless = 8;
const firstPause = 500;
const longestPause = 10_000;

/** Milliseconds until an answer begins: as long as Ekiden itself may ask others for it. */
const openTime = 30_000;

/** Messages that may wait here; then the socket is not read. */
const waiting = 64;

/** Where to go on after a break: the frames of the API are told in docs/api.md. */
interface Place {
  from: number;
  identity?: string;
}

/** Yields what comes until the end; after a break it goes on at the byte where it was. */
export async function* followLog(
  connection: EkidenConnection,
  { path, from, signal }: FollowLog,
): AsyncGenerator<FollowedPart> {
  const place: Place = { from };
  for (let failures = 0; !signal.aborted; ) {
    try {
      for await (const frame of open(connection, path, place, signal)) {
        failures = 0;
        if (frame.type === 'end') return;
        if (frame.type === 'position') {
          place.from = frame.offset;
          place.identity = frame.identity;
        }
        if (frame.type === 'data') place.from += frame.bytes.length;
        if (frame.type === 'data' || frame.type === 'skipped') yield frame;
      }
    } catch (error) {
      const isFinal = error instanceof EkidenError && !error.retryable;
      if (isFinal || ++failures >= fruitless) throw error;
    }
    const pause = Math.min(firstPause * 2 ** failures, longestPause);
    await delay(pause, undefined, { signal }).catch(() => undefined);
  }
}

/** The frames of one connection; it ends without an error where there is reason to connect again. */
async function* open(
  connection: EkidenConnection,
  path: string,
  { from, identity }: Place,
  signal: AbortSignal,
): AsyncGenerator<Frame> {
  const query = new URLSearchParams({ from: String(from), ...(identity ? { identity } : {}) });
  const url = `${connection.url.replace(/^http/, 'ws')}/api/v1${path}?${query}`;
  const socket = new WebSocket(url, {
    headers: headersOf(connection),
    perMessageDeflate: false,
    handshakeTimeout: openTime,
  });
  const inbox = createInbox(connection, socket);
  const quiet = endWhenSilent(socket);
  const leave = () => socket.terminate();
  signal.addEventListener('abort', leave, { once: true });
  try {
    for (;;) {
      const frame = await inbox.next();
      if (frame === undefined || signal.aborted) return;
      yield frame;
    }
  } finally {
    clearTimeout(quiet);
    signal.removeEventListener('abort', leave);
    socket.terminate();
  }
}

/** Keeps frames until they are taken, and the error behind them. */
function createInbox(connection: EkidenConnection, socket: WebSocket) {
  const frames: Frame[] = [];
  let ended: { error?: unknown } | undefined;
  let wake = () => {};
  const end = (error?: unknown) => {
    ended ??= error === undefined ? {} : { error };
    wake();
  };
  socket.on('message', (data, isBinary) => {
    const frame = isBinary ? { type: 'data' as const, bytes: bytesOf(data) } : frameOf(data);
    if (frame) frames.push(frame);
    if (frames.length >= waiting) socket.pause();
    wake();
  });
  socket.on('unexpected-response', (request, response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.length < waiting && chunks.push(chunk));
    response.on('close', async () => {
      const text = async () => Buffer.concat(chunks).toString();
      const headers = new Headers({ location: response.headers.location ?? '' });
      end(await problemOf(connection, { status: response.statusCode ?? 0, headers, text }));
      request.destroy();
    });
  });
  socket.on('error', (error) => end(unreachable(connection, error)));
  socket.on('close', (code, reason) => end(errorOfClose(code, reason.toString())));
  return {
    /** Undefined once nothing more comes. */
    async next(): Promise<Frame | undefined> {
      for (;;) {
        const frame = frames.shift();
        if (frame && frames.length === 0 && socket.isPaused) socket.resume();
        if (frame) return frame;
        if (ended?.error !== undefined) throw ended.error;
        if (ended) return undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

/** 1000 comes after an end frame, 1001 asks to connect again, 1008 is for good (docs/api.md). */
function errorOfClose(code: number, reason: string): EkidenError | undefined {
  if (code === 1000 || code === 1001) return undefined;
  const text = reason || 'the connection was cut';
  return new RemoteError(`Ekiden ended the log: ${text}.`, {
    code: 'E_EKIDEN_SOCKET',
    retryable: code !== 1008,
  });
}

function bytesOf(data: WebSocket.RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

/** Undefined for a kind of frame that a newer Ekiden sends. */
function frameOf(data: WebSocket.RawData): Frame | undefined {
  try {
    return frameSchema.safeParse(JSON.parse(bytesOf(data).toString())).data;
  } catch {
    return undefined;
  }
}
