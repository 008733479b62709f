/** Locks in Redis for the few steps that must not run twice at once. */
import type { Redis } from '../clients/redis.ts';
import { ConflictError } from '../core/errors.ts';

export interface Locks {
  /** Runs `work` while nobody else runs work of this name; waits up to 30 s for its turn. */
  exclusively<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** Work under a lock is a request or two; a holder that died is forgotten after this. */
const holdMilliseconds = 60_000;
const waitMilliseconds = 30_000;
const lookMilliseconds = 50;

const releaseScript = `
  if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
  return 0`;

export function createLocks({ redis, prefix }: { redis: Redis; prefix: string }): Locks {
  return {
    async exclusively(name, work) {
      const key = `${prefix}:lock:${name}`;
      const token = crypto.randomUUID();
      const giveUp = Date.now() + waitMilliseconds;
      while ((await redis.set(key, token, 'PX', holdMilliseconds, 'NX')) === null) {
        if (Date.now() > giveUp) {
          throw new ConflictError(`Somebody else has worked on ${name} for long.`, {
            code: 'E_LOCKED',
            retryable: true,
          });
        }
        await new Promise((wake) => setTimeout(wake, lookMilliseconds));
      }
      try {
        return await work();
      } finally {
        await redis.eval(releaseScript, 1, key, token);
      }
    },
  };
}
