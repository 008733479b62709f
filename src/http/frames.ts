/** Sends the frames of a followed log over a WebSocket: JSON for control, binary for bytes. */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { TooManyRequestsError } from '../core/errors.ts';
import type { LogFrame } from '../core/log-file.ts';
import { problemOf } from './answer.ts';

/** Bytes that may wait for a slow client; then nothing more is read for it. */
const highWater = 64 * 1024;

/** Why a socket was closed, as RFC 6455 and its registry number it. */
export const closeCodes = {
  ended: 1000,
  stopping: 1001,
  refused: 1008,
  failed: 1011,
} as const;

/**
 * Resolves when the client has taken so much that more may be read for it, or `signal` fires. Answers
 * true where that took a wait which the client ended.
 */
export async function sendFrame(
  socket: WebSocket,
  frame: LogFrame,
  signal: AbortSignal,
): Promise<boolean> {
  const message = frame.type === 'data' ? frame.bytes : JSON.stringify(frame);
  if (socket.readyState !== socket.OPEN) return false;
  const sent = new Promise<void>((resolve) => socket.send(message, () => resolve()));
  if (socket.bufferedAmount < highWater || signal.aborted) return false;
  await new Promise<void>((resolve) => {
    const done = () => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done);
    void sent.then(done);
  });
  return !signal.aborted;
}

/** The protocol has room for 123 bytes. */
export function shortReason(text: string): string {
  return Buffer.from(text)
    .subarray(0, 120)
    .toString('utf8')
    .replace(/\uFFFD+$/, '');
}

/** Why a socket fails; what nobody raised on purpose is not told to the outside. */
export function reasonOf(error: unknown): string {
  return shortReason(String(problemOf(error).body['title']));
}

/** Answers an upgrade in HTTP, since the socket is not open yet. */
export function refuseUpgrade(duplex: Duplex, error: unknown): void {
  const { status, body } = problemOf(error);
  const text = `${JSON.stringify(body)}\n`;
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Cache-Control: no-store',
    ...(status === 401 ? ['WWW-Authenticate: Bearer realm="Ekiden"'] : []),
    ...(error instanceof TooManyRequestsError ? [`Retry-After: ${error.retryAfter}`] : []),
    'Connection: close',
  ];
  // Node no longer watches over this connection: one that the client keeps open would stay for ever.
  duplex.end(`${head.join('\r\n')}\r\n\r\n${text}`, () => duplex.destroy());
}
