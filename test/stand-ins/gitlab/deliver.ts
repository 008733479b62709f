/** Sends deliveries as GitLab does: in order for each hook, once, with 10 s to answer, and logged. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Instance } from './hook-body.ts';
import { type Delivery, deliveryHeaders, type HookLog } from './hooks.ts';

const MAX_BODY = 25 * 1024 * 1024;
/** What GitLab keeps of an answer. */
const MAX_RESPONSE_BODY = 8 * 1024;
const MAX_RESPONSE_HEADERS = 50;
/** Deliveries that wait for one hook; more are dropped, as GitLab's rate limit does, without a word. */
const MAX_WAITING = 1000;

export interface Deliverer {
  /** Puts the delivery behind the others of its hook; `after` gets the log entry. */
  enqueue(delivery: Delivery, after: (log: HookLog) => void): void;
  /** Sends at once, past the queue, as a test or a resend does. */
  send(delivery: Delivery): Promise<HookLog>;
  /** Resolves when nothing waits and nothing is under way. */
  idle(): Promise<void>;
  /** Breaks off what is under way and forgets what waits. */
  stop(): void;
}

export interface DelivererOptions {
  instance: () => Instance;
  now: () => number;
  nextId: () => number;
  timeoutMs: number;
}

export function createDeliverer(options: DelivererOptions): Deliverer {
  const stopping = new AbortController();
  const queues = new Map<number, { tail: Promise<void>; waiting: number }>();
  const send = async (delivery: Delivery) => await attempt(delivery, options, stopping.signal);
  return {
    send,
    enqueue: (delivery, after) => {
      const queue = queues.get(delivery.hook.id) ?? { tail: Promise.resolve(), waiting: 0 };
      if (queue.waiting >= MAX_WAITING) return;
      queue.waiting += 1;
      queue.tail = queue.tail.then(async () => {
        if (!stopping.signal.aborted) after(await send(delivery));
        queue.waiting -= 1;
        if (queue.waiting === 0) queues.delete(delivery.hook.id);
      });
      queues.set(delivery.hook.id, queue);
    },
    idle: async () => {
      while (queues.size > 0) await Promise.all([...queues.values()].map((queue) => queue.tail));
    },
    stop: () => stopping.abort(),
  };
}

async function attempt(
  delivery: Delivery,
  options: DelivererOptions,
  stopping: AbortSignal,
): Promise<HookLog> {
  const started = options.now();
  const headers = deliveryHeaders(options.instance(), delivery, started);
  const answer = await post({ delivery, headers, timeoutMs: options.timeoutMs, stopping }).then(
    (response) => ({ ...response, error: null }),
    (error: Error) => ({ status: 'internal error', headers: {}, body: '', error: error.message }),
  );
  return {
    id: options.nextId(),
    hookId: delivery.hook.id,
    url: delivery.hook.url,
    trigger: delivery.trigger,
    requestHeaders: headers,
    requestBody: delivery.body,
    responseHeaders: answer.headers,
    responseBody: answer.body,
    status: answer.status,
    error: answer.error,
    durationMs: options.now() - started,
    createdAt: new Date(started).toISOString(),
  };
}

interface Answer {
  status: string;
  headers: Record<string, string>;
  body: string;
}

/** One POST on a connection of its own, as GitLab's Ruby client makes it; redirects are not followed. */
function post(options: {
  delivery: Delivery;
  headers: Record<string, string>;
  timeoutMs: number;
  stopping: AbortSignal;
}): Promise<Answer> {
  const body = Buffer.from(options.delivery.body);
  if (body.length > MAX_BODY) return Promise.reject(new Error('Hash size exceeds 25 MiB'));
  const url = new URL(options.delivery.hook.url);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const expired = AbortSignal.timeout(options.timeoutMs);
  const request = send(url, {
    method: 'POST',
    agent: false,
    signal: AbortSignal.any([expired, options.stopping]),
    rejectUnauthorized: options.delivery.hook.sslVerification,
    headers: {
      ...options.headers,
      Accept: '*/*',
      'Accept-Encoding': 'gzip;q=1.0,deflate;q=0.6,identity;q=0.3',
      Connection: 'close',
      'Content-Length': body.length,
    },
  });
  return new Promise<Answer>((resolve, reject) => {
    const fail = (error: Error) => reject(expired.aborted ? new Error('execution expired') : error);
    request.once('error', fail);
    request.once('response', (response) => readAnswer(response).then(resolve, fail));
    request.end(body);
  });
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  let body = Buffer.alloc(0);
  for await (const chunk of response as AsyncIterable<Buffer>) {
    if (body.length < MAX_RESPONSE_BODY) body = Buffer.concat([body, chunk]);
  }
  const headers = Object.entries(response.headers).slice(0, MAX_RESPONSE_HEADERS);
  return {
    status: String(response.statusCode ?? 0),
    headers: Object.fromEntries(headers.map(([name, value]) => [capitalised(name), String(value)])),
    body: body.subarray(0, MAX_RESPONSE_BODY).toString('utf8'),
  };
}

function capitalised(name: string): string {
  return name.replaceAll(/(^|-)([a-z])/g, (match) => match.toUpperCase());
}
