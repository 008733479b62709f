/** How long deployments took, in Redis. */
import type { Durations } from '../core/deployment.ts';
import type { StoreOptions } from './builds.ts';

const keep = 50;

export function createDurations({ redis, prefix }: StoreOptions): Durations {
  const key = (app: string) => `${prefix}:app:${app}:durations`;

  return {
    async add(app, seconds) {
      await redis
        .multi()
        .lpush(key(app), seconds)
        .ltrim(key(app), 0, keep - 1)
        .exec();
    },
    list: async (app) => (await redis.lrange(key(app), 0, keep - 1)).map(Number),
    async forget(app) {
      await redis.del(key(app));
    },
  };
}
