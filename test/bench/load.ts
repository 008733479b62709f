/** Sends requests to a server: as fast as it answers, or at a steady rate whatever it does. */
import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';

export interface Shot {
  /** Default: POST. */
  method?: 'GET' | 'POST';
  headers: Record<string, string>;
  body: Buffer;
}

export interface Outcome {
  /** Undefined where no answer came. */
  status: number | undefined;
  text: string;
  /** From when it was due until the answer was complete. */
  milliseconds: number;
}

export interface LoadOptions {
  url: string;
  /** The n-th request. */
  shot: (n: number) => Shot;
  count: number;
  /** Nothing more is sent once it aborts. */
  signal?: AbortSignal;
}

const answerPatience = 10_000;

/** Keeps `connections` busy until all are answered. */
export async function sendAll(options: LoadOptions & { connections: number }): Promise<Outcome[]> {
  const pool = poolFor(options.url, options.connections);
  const outcomes: Outcome[] = [];
  let next = 0;
  const worker = async () => {
    while (next < options.count) {
      const n = next;
      next += 1;
      outcomes[n] = await send(pool, options, n, performance.now());
    }
  };
  await Promise.all(Array.from({ length: options.connections }, worker));
  await pool.close();
  return outcomes;
}

/**
 * Sends `perSecond` for as long as `count` lasts. A late answer delays no other request, and the
 * wait of one that could not be sent in time counts, so a server that hangs is not flattered.
 */
export async function sendSteadily(
  options: LoadOptions & { perSecond: number },
): Promise<Outcome[]> {
  const pool = poolFor(options.url, 256);
  const started = performance.now();
  const outcomes: Promise<Outcome>[] = [];
  for (let n = 0; n < options.count && !options.signal?.aborted; n += 1) {
    const due = started + (n * 1_000) / options.perSecond;
    const early = due - performance.now();
    if (early > 1) await delay(early);
    outcomes.push(send(pool, options, n, due));
  }
  const all = await Promise.all(outcomes);
  await pool.close();
  return all;
}

function poolFor(url: string, connections: number): Pool {
  return new Pool(new URL(url).origin, {
    connections,
    headersTimeout: answerPatience,
    bodyTimeout: answerPatience,
  });
}

async function send(pool: Pool, options: LoadOptions, n: number, due: number): Promise<Outcome> {
  const { method = 'POST', headers, body } = options.shot(n);
  const path = new URL(options.url).pathname;
  try {
    const sent = method === 'GET' ? { method, path, headers } : { method, path, headers, body };
    const answer = await pool.request(sent);
    const text = await answer.body.text();
    return { status: answer.statusCode, text, milliseconds: performance.now() - due };
  } catch {
    return { status: undefined, text: '', milliseconds: performance.now() - due };
  }
}

export function isTaken({ status = 0 }: Outcome): boolean {
  return status >= 200 && status < 300;
}
