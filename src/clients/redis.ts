/** Connects to Redis. */
import { Redis } from 'ioredis';

export type { Redis };

export interface RedisOptions {
  /** `redis://host:port/db`, `rediss://…` or `unix:///path/of/socket`. */
  url: string;
  /**
   * What commands do while Redis is away: `wait` until it is back (workers), or `fail` at once
   * (whoever answers a client).
   */
  whenAway?: 'wait' | 'fail';
}

/** Milliseconds that one command may take for those who do not wait. */
const commandTimeout = 5_000;

/** Opens a connection that reconnects for ever, at most two seconds apart. */
export function connectRedis({ url, whenAway = 'wait' }: RedisOptions): Redis {
  const target = url.startsWith('unix://') ? url.slice('unix://'.length) : url;
  const redis = new Redis(target, {
    maxRetriesPerRequest: whenAway === 'wait' ? null : 0,
    enableOfflineQueue: whenAway === 'wait',
    // A host that vanished without a word would keep a command for as long as TCP tries.
    ...(whenAway === 'fail' ? { commandTimeout } : {}),
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 2_000),
  });
  // Without a listener ioredis prints each failed attempt; readiness is asked for elsewhere.
  redis.on('error', () => undefined);
  return redis;
}
