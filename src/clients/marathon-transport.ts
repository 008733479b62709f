/** Sends one request to the Marathon that answers, of several, and turns failures into Ekiden's errors. */
import pRetry from 'p-retry';
import { Agent, type Dispatcher, request } from 'undici';
import { EkidenError, messageOf, RemoteError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import type { Log } from '../core/log.ts';
import { refusal, UnreachableError, unreachable } from './marathon-errors.ts';

/** One user of Marathon's basic authentication, or a DC/OS token. */
export type MarathonCredentials = { user: string; password: string } | { token: string };

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
}

export interface Answer {
  status: number;
  body: unknown;
}

/** The addresses of one Marathon, of which one is used until it fails. */
export interface Transport {
  /** Resolves with a 2xx answer; throws NotFoundError, AppLockedError, InputError or RemoteError. */
  send(request: MarathonRequest): Promise<Answer>;
  /** Address in use now, without a slash at its end. */
  current(): string;
  /** Uses the next address from now on, unless `failed` was left already. */
  advance(failed: string): void;
  headers(): Record<string, string>;
  close(): Promise<void>;
}

// 50,000 tasks, Marathon's own published limit, make about 50 MB of JSON.
const maximumAnswer = 128 * 1024 * 1024;

/** Opens no connection until the first request. */
export function createTransport(options: {
  addresses: string[];
  credentials?: MarathonCredentials | undefined;
  timeouts?: MarathonTimeouts | undefined;
  log: Log;
}): Transport {
  const bases = options.addresses.map(parseBase);
  let position = 0;
  const current = () => bases[position % bases.length] ?? '';
  const advance = (failed: string) => {
    if (failed === current()) position += 1;
  };
  const headers = () => authorization(options.credentials, options.addresses);
  const { once, close } = createSender({ current, advance, headers, ...options.timeouts });

  async function round(asked: MarathonRequest): Promise<Answer> {
    for (let left = bases.length - 1; ; left -= 1) {
      try {
        return await once(asked);
      } catch (error) {
        if (left === 0 || !mayRepeat(error, asked)) throw error;
        options.log.warn({ error: messageOf(error), next: current() }, 'Marathon failed over');
      }
    }
  }

  const send = (asked: MarathonRequest) =>
    pRetry(() => round(asked), {
      retries: asked.retries ?? 3,
      minTimeout: 200,
      maxTimeout: 2_000,
      randomize: true,
      signal: asked.signal,
      shouldRetry: ({ error }) => mayRepeat(error, asked),
    });
  return { send, current, advance, headers, close };
}

type Addresses = Pick<Transport, 'current' | 'advance' | 'headers'>;

/** Sends a request once, to the address in use, and leaves that address when it is sick. */
function createSender(options: Addresses & MarathonTimeouts) {
  const { current, advance, headers, connect = 3_000, answer = 46_000 } = options;
  const dispatcher = new Agent({ connect: { timeout: connect }, maxResponseSize: maximumAnswer });

  async function once(asked: MarathonRequest): Promise<Answer> {
    const base = current();
    const limit = AbortSignal.timeout(answer);
    try {
      const response = await request(`${base}${asked.path}${queryOf(asked.query)}`, {
        dispatcher,
        signal: asked.signal ? AbortSignal.any([asked.signal, limit]) : limit,
        method: asked.method,
        headers: { accept: 'application/json', 'content-type': 'application/json', ...headers() },
        body: asked.body === undefined ? null : JSON.stringify(asked.body),
      });
      return await accept(response, asked);
    } catch (error) {
      if (asked.signal?.aborted) throw error;
      const known = error instanceof EkidenError ? error : unreachable(base, asked.method, error);
      if (known instanceof RemoteError && known.retryable) advance(base);
      throw known;
    }
  }
  return { once, close: () => dispatcher.destroy() };
}

function parseBase(address: string): string {
  const url = new URL(address);
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function authorization(given: MarathonCredentials | undefined, addresses: string[]) {
  const credentials = given ?? credentialsIn(addresses);
  if (credentials === undefined) return {} as Record<string, string>;
  if ('token' in credentials) return { authorization: `token=${credentials.token}` };
  const pair = Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64');
  return { authorization: `Basic ${pair}` };
}

function credentialsIn(addresses: string[]): MarathonCredentials | undefined {
  for (const address of addresses) {
    const { username, password } = new URL(address);
    if (username !== '') {
      return { user: decodeURIComponent(username), password: decodeURIComponent(password) };
    }
  }
  return undefined;
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
  if (status >= 200 && status < 300) return { status, body };
  throw refusal(status, body, `${asked.method} ${asked.path}`);
}

function mayRepeat(error: unknown, asked: MarathonRequest): boolean {
  if (asked.signal?.aborted) return false;
  if (error instanceof UnreachableError) return !error.sent || asked.method !== 'POST';
  const gateway = error instanceof RemoteError && /_50[23]$/.test(error.code);
  return gateway && asked.method !== 'POST';
}
