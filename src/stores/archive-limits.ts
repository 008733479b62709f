/** Counts the archives that are asked for, so that all build hosts together stay within GitLab's limit. */
import type { Redis } from '../clients/redis.ts';

export interface ArchiveLimits {
  /**
   * Counts one more archive of a project in this minute of the clock, as GitLab counts them; false when
   * it has had `perMinute` already. 0 is for no limit.
   */
  take(project: number, perMinute: number): Promise<boolean>;
}

export interface ArchiveLimitsOptions {
  redis: Redis;
  prefix: string;
  now?: () => number;
}

/** What is refused is not asked for, so it does not count. */
const takeScript = `
  local count = tonumber(redis.call('GET', KEYS[1]) or '0')
  if count >= tonumber(ARGV[1]) then return 0 end
  redis.call('INCR', KEYS[1])
  redis.call('EXPIRE', KEYS[1], 120)
  return 1`;

export function createArchiveLimits(options: ArchiveLimitsOptions): ArchiveLimits {
  const { redis, prefix, now = Date.now } = options;
  return {
    async take(project, perMinute) {
      if (perMinute === 0) return true;
      const minute = Math.floor(now() / 60_000);
      const key = `${prefix}:archives:${project}:${minute}`;
      return (await redis.eval(takeScript, 1, key, perMinute)) === 1;
    },
  };
}
