/** Checks Redis: does it answer, is it new enough, and does it keep what it is told. */
import { connectRedis } from '../clients/redis.ts';
import { type Check, failed, fine, isAtLeast, type Outcome, warned } from './check.ts';
import { codeOf, reasonOf } from './network-errors.ts';
import { leastRedis } from './programs.ts';

export interface RedisCheckOptions {
  url: string;
  /** True for the one that Ekiden starts itself. */
  isPrivate: boolean;
}

export function checkRedis({ url, isPrivate }: RedisCheckOptions): Check {
  return {
    name: 'Redis',
    async run(signal) {
      try {
        return judgeRedis(await infoOf(url, signal), isPrivate);
      } catch (error) {
        return failed(`is not reached: ${reasonOf(error)}`, hintFor(error, isPrivate));
      }
    },
  };
}

function hintFor(error: unknown, isPrivate: boolean): string {
  if (!isPrivate) return 'Check REDIS_URL, and that Redis runs there.';
  if (codeOf(error) === 'EACCES') return 'Run ekiden doctor as the user who runs ekiden up.';
  return 'Look at log/redis.log in the data folder.';
}

/** What INFO tells, by name. The first error counts; the client would try again for ever. */
async function infoOf(url: string, signal: AbortSignal): Promise<Map<string, string>> {
  const redis = connectRedis({ url });
  const broken = new Promise<never>((_, reject) => {
    redis.once('error', reject);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  try {
    const text = await Promise.race([redis.info(), broken]);
    const pairs = text.split(/\r?\n/).map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1)];
    });
    return new Map(pairs);
  } finally {
    redis.disconnect();
  }
}

export function judgeRedis(info: Map<string, string>, isPrivate: boolean): Outcome[] {
  const version = info.get('redis_version') ?? '0';
  const who = isPrivate ? `${version}, private` : version;
  const problems: Outcome[] = [];
  if (!isAtLeast(version, leastRedis)) {
    problems.push(failed(`${version} is older than ${leastRedis}`, 'Update Redis.'));
  }
  if (info.get('aof_enabled') !== '1') {
    const hint = 'redis-cli CONFIG SET appendonly yes, and appendonly yes in redis.conf';
    problems.push(failed(`${who}: the AOF is off, so pushes are lost when it restarts`, hint));
  }
  const policy = info.get('maxmemory_policy') ?? 'noeviction';
  if (policy !== 'noeviction') {
    const hint = 'redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf';
    const found = `${who}: maxmemory-policy is ${policy}, so it may throw queued pushes away`;
    // Without a limit of memory nothing is thrown away yet.
    problems.push(info.get('maxmemory') === '0' ? warned(found, hint) : failed(found, hint));
  }
  return problems.length > 0 ? problems : [fine(`${who}, AOF on, noeviction`)];
}
