/** A log of Ekiden's own API, read in parts or followed. */
import { buffer } from 'node:stream/consumers';
import { bodyOf } from './ekiden-calls.ts';
import { askEkiden, type EkidenConnection } from './ekiden-request.ts';
import { type FollowedPart, followLog } from './ekiden-socket.ts';

/** A log that can be read in parts. */
export interface RemoteLog {
  /** Its last bytes, at most so many, and the place behind them; undefined where there is none. */
  tail(bytes: number): Promise<{ bytes: Buffer; end: number } | undefined>;
  /** All of it as it is now; undefined where there is none. */
  read(): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** From a byte on (negative: before the end) and what comes after, over breaks of the connection. */
  follow(from: number, signal: AbortSignal): AsyncIterable<FollowedPart>;
}

/** Codes that mean that there is no log, or none of these bytes yet. */
const noLog = new Set(['E_NO_FILE', 'E_NO_LOG']);

/** The log at this path below /api/v1. */
export function remoteLog(connection: EkidenConnection, path: string): RemoteLog {
  return {
    async tail(bytes) {
      const ask = { range: `bytes=-${bytes}`, expected: [416] };
      const response = await askEkiden(connection, path, ask).catch(absent);
      if (!response) return undefined;
      // Nothing can be taken of an empty file.
      if (response.status === 416) return { bytes: Buffer.alloc(0), end: 0 };
      const found = await buffer(bodyOf(connection, response));
      const last = /^bytes \d+-(\d+)\//.exec(response.headers.get('content-range') ?? '')?.[1];
      return { bytes: found, end: last === undefined ? found.length : Number(last) + 1 };
    },
    async read() {
      const response = await askEkiden(connection, path).catch(absent);
      return response && bodyOf(connection, response);
    },
    follow: (from, signal) => followLog(connection, { path, from, signal }),
  };
}

function absent(error: unknown): undefined {
  if (noLog.has((error as { code?: string }).code ?? '')) return undefined;
  throw error;
}
