/** Locks in Redis for the few steps that must not run twice at once. */
import type { Redis } from '../clients/redis.ts';
import { ConflictError } from '../core/errors.ts';

export interface Locks {
  /** Runs `work` while nobody else runs work of this name; waits up to 30 s for its turn. */
  exclusively<T>(name: string, work: () => Promise<T>): Promise<T>;
}

/** A holder that died is forgotten after this; one that lives says so three times as often. */
const defaultHold = 60_000;
const waitMilliseconds = 30_000;
const lookMilliseconds = 50;

const renewScript = `
  if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return 0`;

const releaseScript = `
  if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
  return 0`;

export interface LocksOptions {
  redis: Redis;
  prefix: string;
  /** Milliseconds after which a holder that says nothing is forgotten. */
  hold?: number;
}

export function createLocks({ redis, prefix, hold = defaultHold }: LocksOptions): Locks {
  return {
    async exclusively(name, work) {
      const key = `${prefix}:lock:${name}`;
      const token = crypto.randomUUID();
      const giveUp = Date.now() + waitMilliseconds;
      while ((await redis.set(key, token, 'PX', hold, 'NX')) === null) {
        if (Date.now() > giveUp) {
          throw new ConflictError(`Somebody else has worked on ${name} for long.`, {
            code: 'E_LOCKED',
            hint: 'Ask again in a minute.',
            retryable: true,
          });
        }
        await new Promise((wake) => setTimeout(wake, lookMilliseconds));
      }
      // Several tries at a slow Marathon can take longer than a hold.
      const renewing = setInterval(() => {
        redis.eval(renewScript, 1, key, token, hold).catch(() => undefined);
      }, hold / 3);
      try {
        return await work();
      } finally {
        clearInterval(renewing);
        await redis.eval(releaseScript, 1, key, token);
      }
    },
  };
}
