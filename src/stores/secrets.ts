/** Secrets that Ekiden makes for itself, once, for all its processes. */
import { randomBytes } from 'node:crypto';
import type { StoreOptions } from './builds.ts';

export interface Secrets {
  /** The secret of that name, such as `hook`: 32 random bytes in base64url, the same for ever. */
  get(name: string): Promise<string>;
}

const secretBytes = 32;

export function createSecrets({ redis, prefix }: StoreOptions): Secrets {
  const key = `${prefix}:secrets`;
  return {
    async get(name) {
      const known = await redis.hget(key, name);
      if (known !== null) return known;
      const made = randomBytes(secretBytes).toString('base64url');
      // Of several processes that make one at the same time, the first wins for all.
      const mine = await redis.hsetnx(key, name, made);
      return mine === 1 ? made : this.get(name);
    },
  };
}
