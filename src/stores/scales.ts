/** Numbers of instances that somebody asked for in place of the manifest's, in Redis. */
import type { Scale, ScaleStore } from '../core/release.ts';
import type { StoreOptions } from './builds.ts';

export function createScaleStore({ redis, prefix }: StoreOptions): ScaleStore {
  const key = (app: string) => `${prefix}:app:${app}:scale`;

  return {
    async find(app) {
      const text = await redis.get(key(app));
      return text === null ? undefined : (JSON.parse(text) as Scale);
    },
    async save(app, scale) {
      await redis.set(key(app), JSON.stringify(scale));
    },
    async forget(app) {
      await redis.del(key(app));
    },
  };
}
