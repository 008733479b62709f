/** Counters of the API's limits in Redis, so that several web roles count together. */
import type { Options, Store } from 'express-rate-limit';
import { RedisStore } from 'rate-limit-redis';
import type { StoreOptions } from './builds.ts';

/** Milliseconds that counting may take, and for which nobody counts after it took longer. */
const patience = 500;
const pause = 5_000;

/** Opens the counters of one limit; they fail at once while Redis is away, and work again after. */
export function createRateLimits({ redis, prefix }: StoreOptions) {
  const quickly = createHaste();
  return (name: string): Store => {
    // The library tells by it that two limits of one request are two.
    const own = `${prefix}:limit:${name}:`;
    let options: Options | undefined;
    let opened: RedisStore | undefined;

    /** The library keeps what became of loading its scripts, so it is made anew after each failure. */
    async function open(): Promise<RedisStore> {
      if (opened) return opened;
      const store = new RedisStore({
        prefix: own,
        sendCommand: (command, ...args) => redis.call(command, ...args) as Promise<number>,
      });
      if (options) await store.init(options);
      opened = store;
      return store;
    }

    const count = <T>(use: (store: RedisStore) => Promise<T> | T) =>
      quickly(async () => {
        try {
          return await use(await open());
        } catch (error) {
          opened = undefined;
          throw error;
        }
      });

    return {
      prefix: own,
      init: (given) => {
        options = given;
      },
      get: (key) => count((store) => store.get(key)),
      increment: (key) => count((store) => store.increment(key)),
      decrement: (key) => count((store) => store.decrement(key)),
      resetKey: (key) => count((store) => store.resetKey(key)),
    };
  };
}

/** A Redis that hangs would keep each request once for each limit that it is counted in. */
function createHaste() {
  let restUntil = 0;
  return async <T>(count: () => Promise<T>): Promise<T> => {
    if (Date.now() < restUntil) throw new Error('Redis was too slow to count');
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        restUntil = Date.now() + pause;
        reject(new Error('Redis is too slow to count'));
      }, patience);
    });
    try {
      return await Promise.race([count(), late]);
    } finally {
      clearTimeout(timer);
    }
  };
}
