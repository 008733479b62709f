/** Removals that wait for a data centre, in Redis. */
import { z } from 'zod';
import type { PendingRemoval, PendingRemovals } from '../core/removal.ts';
import type { StoreOptions } from './builds.ts';

const schema = z.object({ app: z.string(), dataCentre: z.string() });

export function createRemovals({ redis, prefix }: StoreOptions): PendingRemovals {
  const key = `${prefix}:removals`;
  const textOf = ({ app, dataCentre }: PendingRemoval) => JSON.stringify({ app, dataCentre });

  return {
    async note(removal) {
      await redis.sadd(key, textOf(removal));
    },
    async list() {
      const all = await redis.smembers(key);
      return all.map((text) => schema.parse(JSON.parse(text)));
    },
    async forget(removal) {
      await redis.srem(key, textOf(removal));
    },
  };
}
