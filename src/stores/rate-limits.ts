/** Counters of the API's limits in Redis, so that several web roles count together. */
import type { Options, Store } from 'express-rate-limit';
import { RedisStore } from 'rate-limit-redis';
import type { StoreOptions } from './builds.ts';

/** Opens the counters of one limit; they fail at once while Redis is away, and work again after. */
export function createRateLimits({ redis, prefix }: StoreOptions) {
  return (name: string): Store => {
    // The library tells by it that two limits of one request are two.
    const own = `${prefix}:limit:${name}:`;
    let options: Options | undefined;
    let opened: RedisStore | undefined;

    /** The library loads its scripts once, when it is made, so it is made when Redis is there. */
    async function open(): Promise<RedisStore> {
      if (opened) return opened;
      const store = new RedisStore({
        prefix: own,
        sendCommand: (command, ...args) => redis.call(command, ...args) as Promise<number>,
      });
      await Promise.all([store.incrementScriptSha, store.getScriptSha]);
      if (options) await store.init(options);
      opened = store;
      return store;
    }

    return {
      prefix: own,
      init: (given) => {
        options = given;
      },
      increment: async (key) => (await open()).increment(key),
      decrement: async (key) => (await open()).decrement(key),
      resetKey: async (key) => (await open()).resetKey(key),
    };
  };
}
