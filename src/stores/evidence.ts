/** Evidence of failed instances in Redis: summaries to list, and each whole, compressed. */
import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import type { Redis } from '../clients/redis.ts';
import type { Evidence, EvidenceStore, EvidenceSummary } from '../core/evidence.ts';
import type { StoreOptions } from './builds.ts';

/** Of each release: how it began to fail, and how it fails now. */
const keep = { first: 5, newest: 5 };

/** Instances of a release that are known to be counted; a crash loop makes many. */
const remembered = 1_000;

const compress = promisify(deflateRaw);
const decompress = promisify(inflateRaw);

/** Another hand may have written to Redis. */
const maxOutputLength = 16 * 1024 * 1024;

/** Keys: instances that were counted, what is kept of the release, releases. Once for each instance. */
const saveScript = `
  if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
  redis.call('ZREMRANGEBYRANK', KEYS[1], tonumber(ARGV[6]), -1 - tonumber(ARGV[6]))
  redis.call('HINCRBY', KEYS[2], 'count', 1)
  redis.call('HSET', KEYS[2], 'summary-' .. ARGV[1], ARGV[3], 'whole-' .. ARGV[1], ARGV[4])
  redis.call('SADD', KEYS[3], ARGV[5])
  local kept = {}
  for _, field in ipairs(redis.call('HKEYS', KEYS[2])) do
    local instance = string.match(field, '^summary%-(.+)$')
    if instance then
      local at = cjson.decode(redis.call('HGET', KEYS[2], field)).at
      table.insert(kept, { instance = instance, at = at })
    end
  end
  table.sort(kept, function(a, b)
    if a.at == b.at then return a.instance < b.instance end
    return a.at < b.at
  end)
  for place = tonumber(ARGV[7]) + 1, #kept - tonumber(ARGV[8]) do
    local instance = kept[place].instance
    redis.call('HDEL', KEYS[2], 'summary-' .. instance, 'whole-' .. instance)
  end
  return 1`;

/** The evidence of one app; a release's lies under its number. */
function keysOf({ prefix }: Pick<StoreOptions, 'prefix'>, app: string) {
  const releases = `${prefix}:app:${app}:evidence`;
  return {
    releases,
    counted: (release: number | string) => `${releases}:${release}:counted`,
    kept: (release: number | string) => `${releases}:${release}`,
  };
}

export function createEvidenceStore({ redis, prefix }: StoreOptions): EvidenceStore {
  const open = (app: string) => keysOf({ prefix }, app);

  return {
    async save(evidence) {
      const { app, release, instance, at } = evidence;
      const keys = open(app);
      const { logs: _, otherLogs: __, usage: ___, ...summary } = evidence;
      const whole = await compress(JSON.stringify(evidence));
      const isNew = await redis.eval(
        saveScript,
        ...[3, keys.counted(release), keys.kept(release), keys.releases],
        ...[instance, at, JSON.stringify(summary), whole, release],
        ...[remembered, keep.first, keep.newest],
      );
      return isNew === 1;
    },
    async isKnown(app, release, instance) {
      return (await redis.zscore(open(app).counted(release), instance)) !== null;
    },
    async find(app, release, instance) {
      const whole = await redis.hgetBuffer(open(app).kept(release), `whole-${instance}`);
      if (!whole) return undefined;
      const text = await decompress(whole, { maxOutputLength });
      return JSON.parse(text.toString()) as Evidence;
    },
    list: (app, release) => listOf(redis, open(app).kept(release)),
    count: async (app, release) => Number(await redis.hget(open(app).kept(release), 'count')),
    async releases(app) {
      const numbers = (await redis.smembers(open(app).releases)).map(Number);
      return numbers.sort((a, b) => b - a);
    },
    forget: (app, release) => forget({ redis, prefix }, app, release),
  };
}

async function listOf(redis: Redis, key: string): Promise<EvidenceSummary[]> {
  const names = (await redis.hkeys(key)).filter((name) => name.startsWith('summary-'));
  if (names.length === 0) return [];
  const texts = await redis.hmget(key, ...names);
  const all = texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as EvidenceSummary]));
  return all.sort((a, b) => a.at - b.at || (a.instance < b.instance ? -1 : 1));
}

async function forget(
  { redis, prefix }: StoreOptions,
  app: string,
  release: number | undefined,
): Promise<void> {
  const keys = keysOf({ prefix }, app);
  const numbers = release === undefined ? await redis.smembers(keys.releases) : [String(release)];
  if (numbers.length === 0) return;
  await redis
    .multi()
    .del(...numbers.flatMap((number) => [keys.counted(number), keys.kept(number)]))
    .srem(keys.releases, ...numbers)
    .exec();
}

/** Forgets what is kept of releases of the app that are not among those in `releases`, a hash. */
export async function forgetEvidenceWithout(
  { redis, prefix }: StoreOptions,
  app: string,
  releases: string,
): Promise<void> {
  for (const number of await redis.smembers(keysOf({ prefix }, app).releases)) {
    const isKept = await redis.hexists(releases, `release-${number}`);
    if (isKept === 0) await forget({ redis, prefix }, app, Number(number));
  }
}
