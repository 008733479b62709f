/** Follows Marathon's event stream for ever: watchdog, redirects, fail-over and back-off. */
import { setTimeout as delay } from 'node:timers/promises';
import { createParser } from 'eventsource-parser';
import { Agent, type Dispatcher, request } from 'undici';
import { z } from 'zod';
import { messageOf, RemoteError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { connectOptions, hostAndPort } from './marathon-addresses.ts';
import { eventSchema, type MarathonEvent } from './marathon-model.ts';
import type { MarathonTimeouts, Transport } from './marathon-transport.ts';

export interface FollowOptions {
  /** Event types wanted, such as `status_update_event`; all when empty. */
  types: string[];
  onEvent: (event: MarathonEvent) => void;
  /** Called after every (re)connect, before its first event: what happened in between is unknown. */
  onConnect: () => void;
  /** Called for all that comes, also for the empty lines by which Marathon shows that it lives. */
  onSign?: () => void;
  signal: AbortSignal;
}

const maximumEvent = 16 * 1024 * 1024;
const maximumRedirects = 5;
const longestPause = 10_000;

/** Resolves when `signal` aborts, and never rejects. */
export async function followEvents(
  options: FollowOptions & {
    transport: Transport;
    timeouts: MarathonTimeouts;
    ca?: string | undefined;
    log: Log;
  },
): Promise<void> {
  const { signal, transport, timeouts, log } = options;
  const { connect = 3_000, answer = 46_000, silence = 25_000 } = timeouts;
  const dispatcher = new Agent({
    connect: connectOptions(connect, options.ca),
    headersTimeout: answer,
    bodyTimeout: 0,
  });
  let failures = 0;
  while (!signal.aborted) {
    const base = transport.current();
    const startedAt = Date.now();
    try {
      await readStream({ ...options, dispatcher, base, silence });
    } catch (error) {
      if (signal.aborted) break;
      // A stream that lasted is no sign of a sick server: leaders change.
      failures = Date.now() - startedAt > longestPause ? 1 : failures + 1;
      const pause = pauseAfter(failures);
      const fields = { address: base, error: messageOf(error), retryInMs: pause };
      log.warn(fields, 'the event stream of Marathon broke');
      transport.advance(base);
      await delay(pause, undefined, { signal }).catch(() => undefined);
    }
  }
  await dispatcher.destroy();
}

/** Milliseconds before the next attempt: doubling from 250 up to 10 s, half of it at random. */
function pauseAfter(failures: number): number {
  const ceiling = Math.min(longestPause, 250 * 2 ** Math.min(failures - 1, 10));
  return Math.round(ceiling / 2 + (Math.random() * ceiling) / 2);
}

interface StreamOptions extends FollowOptions {
  transport: Transport;
  dispatcher: Dispatcher;
  base: string;
  silence: number;
  log: Log;
}

/** Reads one stream until it ends, which always rejects. */
async function readStream(options: StreamOptions): Promise<never> {
  const { onConnect, onSign = () => undefined, signal, silence } = options;
  const watchdog = new AbortController();
  const both = AbortSignal.any([signal, watchdog.signal]);
  const timer = setTimeout(() => {
    watchdog.abort(new RemoteError(`no byte for ${silence} ms`, { code: 'E_MARATHON_SILENT' }));
  }, silence);
  try {
    const body = await openStream(options, both);
    onConnect();
    onSign();
    const parser = parserFor(options);
    const text = new TextDecoder();
    for await (const chunk of body) {
      timer.refresh();
      onSign();
      parser.feed(text.decode(chunk, { stream: true }));
    }
    throw new RemoteError('closed by Marathon', { code: 'E_MARATHON_STREAM' });
  } finally {
    clearTimeout(timer);
    watchdog.abort();
  }
}

async function openStream(options: StreamOptions, signal: AbortSignal) {
  const { transport, dispatcher, base, types } = options;
  let url = new URL(`${base}/v2/events`);
  for (const type of types) url.searchParams.append('event_type', type);
  for (let hop = 0; hop <= maximumRedirects; hop += 1) {
    const headers = { accept: 'text/event-stream', ...transport.headers() };
    const response = await request(url, { dispatcher, signal, headers });
    const { location, 'content-type': type } = response.headers;
    const isStream = response.statusCode === 200 && /^text\/event-stream/i.test(String(type));
    if (isStream) return response.body;
    await response.body.dump();
    if (!redirects.has(response.statusCode) || typeof location !== 'string') {
      const said = `status ${response.statusCode}, ${type ?? 'nothing'} in place of events`;
      throw new RemoteError(said, { code: 'E_MARATHON_STREAM' });
    }
    const target = new URL(location, url);
    if (!(await mayFollow(transport, url, target))) {
      // Whoever can make a standby redirect anywhere would be told the credentials.
      throw new RemoteError(`redirected to ${target.origin}, which is not known as the leader`, {
        code: 'E_MARATHON_STREAM',
      });
    }
    url = target;
  }
  throw new RemoteError('too many redirects', { code: 'E_MARATHON_STREAM' });
}

const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const leaderSchema = z.object({ leader: z.string() });

/** A standby server names the leader, which asks for the same credentials; nobody else is told them. */
async function mayFollow(transport: Transport, from: URL, to: URL): Promise<boolean> {
  if (!/^https?:$/.test(to.protocol)) return false;
  if (Object.keys(transport.headers()).length === 0) return true;
  if (from.protocol === 'https:' && to.protocol !== 'https:') return false;
  if (transport.knows(to)) return true;
  const { body } = await transport.send({ method: 'GET', path: '/v2/leader', retries: 0 });
  return leaderSchema.safeParse(body).data?.leader === hostAndPort(to);
}

function parserFor({ onEvent, log }: StreamOptions) {
  return createParser({
    maxBufferSize: maximumEvent,
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') throw error;
    },
    onEvent: ({ event, data }) => {
      try {
        onEvent(eventSchema.parse({ eventType: event, ...JSON.parse(data) }));
      } catch (error) {
        log.warn({ event, error: messageOf(error) }, 'an event of Marathon could not be used');
      }
    },
  });
}
