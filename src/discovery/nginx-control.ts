/** Speaks to the private nginx over its control socket. */
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'undici';
import { z } from 'zod';
import { messageOf, RemoteError } from '../core/errors.ts';

const answerMs = 5_000;

const healthSchema = z.object({ token: z.string(), revision: z.string() });
const putSchema = z.object({ revision: z.string().optional(), error: z.string().optional() });

/** Who answers, and the revision of the upstreams that it answers with. */
export type Health = z.output<typeof healthSchema>;

export interface Control {
  /** Undefined when nothing answers. */
  health(): Promise<Health | undefined>;
  put(path: string, text: string): Promise<void>;
}

/** One connection for each request, so that a killed nginx leaves nothing behind. */
export function createControl(socketPath: string): Control {
  async function send(method: 'GET' | 'PUT', path: string, body: string | null): Promise<unknown> {
    const client = new Client('http://nginx', { socketPath, pipelining: 0 });
    try {
      const signal = AbortSignal.timeout(answerMs);
      const response = await client.request({ method, path, body, signal });
      return await response.body.json();
    } finally {
      await client.destroy();
    }
  }

  return {
    health: async () => {
      const body = await send('GET', '/healthz', null).catch(() => undefined);
      return healthSchema.safeParse(body).data;
    },
    put: async (path, text) => {
      const body = await send('PUT', path, text).catch((error: unknown) => {
        throw new RemoteError(`nginx cannot be reached: ${messageOf(error)}`, {
          code: 'E_NGINX_AWAY',
          cause: error,
        });
      });
      const { revision, error = 'no revision' } = putSchema.parse(body);
      if (revision !== undefined) return;
      throw new RemoteError(`nginx does not take the upstreams: ${error}`, {
        code: 'E_NGINX_REFUSED',
        retryable: false,
      });
    },
  };
}

/** Asks every `everyMs` until the answer is there; undefined when it is not within `limitMs`. */
export async function poll<T>(
  ask: () => Promise<T | undefined>,
  { limitMs, everyMs = 25 }: { limitMs: number; everyMs?: number },
): Promise<T | undefined> {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined || Date.now() > end) return answer;
    await delay(everyMs);
  }
}
