/** The role web: takes hooks, serves pages, and queues what the spool kept while Redis was away. */
import { setTimeout as delay } from 'node:timers/promises';
import { handleHook } from '../hooks/index.ts';
import type { Ekiden } from '../src/ekiden.ts';
import { startServer } from '../src/http/server.ts';
import { createRelay } from '../src/relay.ts';
import type { Runner } from './runner.ts';

const drainEvery = 2_000;

export async function startWeb(ekiden: Ekiden): Promise<Runner & { port: number }> {
  const { accept } = createRelay(ekiden);
  const server = await startServer({
    ekiden,
    hookSecret: ekiden.config.hookSecret ?? (await ekiden.secrets.get('hook')),
    onDelivery: (payload, delivery) => handleHook({ payload, delivery, accept, ekiden }),
  });
  const stopping = new AbortController();
  void drainRegularly(ekiden, stopping.signal);
  return {
    port: server.port,
    async stop() {
      stopping.abort();
      await server.stop();
    },
  };
}

/** One after the other: a Redis that hangs must not gather drains that wait. */
async function drainRegularly(ekiden: Ekiden, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await drain(ekiden);
    await delay(drainEvery, undefined, { signal }).catch(() => undefined);
  }
}

async function drain({ drainSpool, isReady, log }: Ekiden): Promise<void> {
  try {
    const count = (await isReady()) ? await drainSpool() : 0;
    if (count > 0) log.info({ count }, 'queued deliveries that waited in the spool');
  } catch (error) {
    log.warn({ error: String(error) }, 'the spool cannot be emptied yet');
  }
}
