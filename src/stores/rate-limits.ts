/** Counters of the API's limits in Redis, so that several web roles count together. */
import { RedisStore } from 'rate-limit-redis';
import type { StoreOptions } from './builds.ts';

/** Opens the counters of one limit. */
export function createRateLimits({ redis, prefix }: StoreOptions) {
  return (name: string) =>
    new RedisStore({
      prefix: `${prefix}:limit:${name}:`,
      sendCommand: (command, ...args) => redis.call(command, ...args) as Promise<number>,
    });
}
