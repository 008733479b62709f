/** Leases in Redis: of several processes that could do something, one does. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from '../clients/redis.ts';

export interface LeaseOptions {
  redis: Redis;
  prefix: string;
  /** Milliseconds after which a holder that says nothing is forgotten. */
  hold?: number;
}

export interface Leases {
  /**
   * Runs `work` whenever this process leads, until `signal` aborts; its own signal aborts when the lead is
   * lost. Two may lead for a moment, so the work has to bear that.
   */
  lead(
    name: string,
    work: (signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
}

const defaultHold = 15_000;

const renewScript = `
  if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return 0`;

const releaseScript = `
  if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
  return 0`;

export function createLeases({ redis, prefix, hold = defaultHold }: LeaseOptions): Leases {
  async function renewing(key: string, token: string, signal: AbortSignal): Promise<void> {
    for (let heard = Date.now(); Date.now() - heard < hold; ) {
      await delay(hold / 3, undefined, { signal });
      const isOurs = await redis.eval(renewScript, 1, key, token, hold).catch(() => undefined);
      if (isOurs === 0) return;
      if (isOurs !== undefined) heard = Date.now();
    }
  }

  /** Ends when the work, the lead or the whole process ends. */
  async function hasLed(key: string, token: string, leading: Leading): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([leading.signal, over.signal]);
    const working = leading.work(signal).finally(() => over.abort());
    await renewing(key, token, signal).catch(() => undefined);
    over.abort();
    await working.catch(() => undefined);
    await redis.eval(releaseScript, 1, key, token).catch(() => undefined);
  }

  return {
    async lead(name, work, signal) {
      const key = `${prefix}:lease:${name}`;
      while (!signal.aborted) {
        const token = crypto.randomUUID();
        const isFree = await redis.set(key, token, 'PX', hold, 'NX').catch(() => null);
        if (isFree !== null) await hasLed(key, token, { work, signal });
        await delay(hold / 3, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}

interface Leading {
  work: (signal: AbortSignal) => Promise<void>;
  signal: AbortSignal;
}
