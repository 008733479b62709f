/** Sends one request to the Marathon that answers, of several, and turns failures into Ekiden's errors. */
import { setTimeout as delay } from 'node:timers/promises';
import pRetry from 'p-retry';
import { Agent, type Dispatcher, request } from 'undici';
import { EkidenError, messageOf, RemoteError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import type { Log } from '../core/log.ts';
import {
  type Addresses,
  connectOptions,
  createAddresses,
  type MarathonCredentials,
} from './marathon-addresses.ts';
import {
  garbled,
  isRefusedUntouched,
  refusal,
  UnreachableError,
  unreachable,
} from './marathon-errors.ts';

/** Limits in milliseconds; the defaults of `connect` and `answer` are those of marathon-lb. */
export interface MarathonTimeouts {
  connect?: number;
  answer?: number;
  /** The event stream is given up after so long without a byte; Marathon sends one every 10 s. */
  silence?: number;
}

export interface MarathonRequest {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  path: string;
  query?: Record<string, string | boolean | undefined>;
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** Further rounds over all addresses after the first; default 3. */
  retries?: number;
  /** True for a POST that does no harm when it is taken twice, as all other methods. */
  repeatable?: boolean;
  /** Told of each attempt that Marathon may have taken, although it did not say so. */
  onDoubt?: () => void;
}

export interface Answer {
  status: number;
  body: unknown;
}

export interface Transport extends Addresses {
  /** Resolves with a 2xx answer; throws NotFoundError, AppLockedError, InputError or RemoteError. */
  send(request: MarathonRequest): Promise<Answer>;
  close(): Promise<void>;
}

export interface TransportOptions {
  addresses: string[];
  credentials?: MarathonCredentials | undefined;
  /** Certificates in PEM of the authority that signed those of the addresses. */
  ca?: string | undefined;
  timeouts?: MarathonTimeouts | undefined;
  log: Log;
}

// 50,000 tasks, Marathon's own published limit, make about 50 MB of JSON.
const maximumAnswer = 128 * 1024 * 1024;

/** Seconds; who asks for a longer pause is left alone, and the caller told. */
const longestPause = 10;

/** Opens no connection until the first request. */
export function createTransport(options: TransportOptions): Transport {
  const addresses = createAddresses(options.addresses, options.credentials);
  const { once, close } = createSender(addresses, options);

  async function round(asked: MarathonRequest): Promise<Answer> {
    for (let left = addresses.count - 1; ; left -= 1) {
      try {
        return await once(asked);
      } catch (error) {
        if (isInDoubt(error)) asked.onDoubt?.();
        // Another address leads to the same Marathon, which said what it wants.
        const isAnswer = isRefusedUntouched(error);
        if (left === 0 || isAnswer || !mayRepeat(error, asked)) throw error;
        const next = addresses.current();
        options.log.warn({ error: messageOf(error), next }, 'Marathon failed over');
      }
    }
  }

  const send = (asked: MarathonRequest) =>
    pRetry(() => round(asked), {
      retries: asked.retries ?? 3,
      minTimeout: 200,
      maxTimeout: 2_000,
      randomize: true,
      ...(asked.signal ? { signal: asked.signal } : {}),
      shouldRetry: ({ error }) => mayRepeat(error, asked) && pauseOf(error) <= longestPause,
      onFailedAttempt: async ({ error, retriesLeft }) => {
        const pause = mayRepeat(error, asked) ? pauseOf(error) : 0;
        if (retriesLeft === 0 || pause > longestPause) return;
        await delay(pause * 1000, undefined, { signal: asked.signal });
      },
    });
  return { ...addresses, send, close };
}

/** Seconds after which Marathon, or what stands before it, asked to be tried again. */
function pauseOf(error: unknown): number {
  return (error instanceof RemoteError && error.retryAfter) || 0;
}

/** Sends a request once, to the address in use, and leaves that address when it is sick. */
function createSender(addresses: Addresses, { timeouts = {}, ca }: TransportOptions) {
  const { connect = 3_000, answer = 46_000 } = timeouts;
  const dispatcher = new Agent({
    connect: connectOptions(connect, ca),
    maxResponseSize: maximumAnswer,
  });
  const type = { accept: 'application/json', 'content-type': 'application/json' };

  async function once(asked: MarathonRequest): Promise<Answer> {
    const base = addresses.current();
    const limit = AbortSignal.timeout(answer);
    try {
      const response = await request(`${base}${asked.path}${queryOf(asked.query)}`, {
        dispatcher,
        signal: asked.signal ? AbortSignal.any([asked.signal, limit]) : limit,
        method: asked.method,
        headers: { ...type, ...addresses.headers() },
        body: asked.body === undefined ? null : JSON.stringify(asked.body),
      });
      return await accept(response, asked);
    } catch (error) {
      if (asked.signal?.aborted) throw error;
      const known = error instanceof EkidenError ? error : unreachable(base, asked.method, error);
      const isSick = known instanceof RemoteError && known.retryable && !isRefusedUntouched(known);
      if (isSick) addresses.advance(base);
      throw known;
    }
  }
  return { once, close: () => dispatcher.destroy() };
}

function queryOf(query: MarathonRequest['query'] = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) params.append(key, String(value));
  }
  return params.size === 0 ? '' : `?${params}`;
}

async function accept(response: Dispatcher.ResponseData, asked: MarathonRequest): Promise<Answer> {
  const text = await response.body.text();
  const status = response.statusCode;
  const body = parseJson(text);
  const what = `${asked.method} ${asked.path}`;
  if (status >= 200 && status < 300) {
    // Only a ping may be answered by a word.
    const isReadable = body !== undefined || text === '' || text.trim() === 'pong';
    if (!isReadable) throw garbled({ status, text }, what);
    return { status, body };
  }
  throw refusal({ status, body, text, headers: response.headers }, what);
}

function mayRepeat(error: unknown, asked: MarathonRequest): boolean {
  if (asked.signal?.aborted) return false;
  if (isRefusedUntouched(error)) return true;
  const isSafe = asked.method !== 'POST' || asked.repeatable === true;
  if (error instanceof UnreachableError) return !error.sent || isSafe;
  return isSafe && error instanceof RemoteError && /_(3\d\d|50[234]|ANSWER)$/.test(error.code);
}

/** True when the request may have been taken, and nobody said so. */
function isInDoubt(error: unknown): boolean {
  if (error instanceof UnreachableError) return error.sent;
  return error instanceof RemoteError && /_(TIMEOUT|ANSWER|5\d\d)$/.test(error.code);
}
