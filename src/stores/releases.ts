/** Releases in Redis, and the numbers of instances that somebody asked for in place of the manifest's. */
import type { Release, ReleaseStore, Scale, ScaleStore } from '../core/release.ts';
import type { StoreOptions } from './builds.ts';

/** How many releases of an app are kept; the last good one stays, however old it is. */
const keep = 50;

/** Forgets the release that many pushes ago was made, unless a failed deployment would go back to it. */
const createScript = `
  redis.call('HSET', KEYS[1], 'release-' .. ARGV[1], ARGV[2])
  local good = tonumber(redis.call('HGET', KEYS[1], 'good') or '0')
  local old = tonumber(ARGV[1]) - tonumber(ARGV[3])
  for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
    local kind, number = string.match(field, '^(%a+)%-(%d+)$')
    if number and tonumber(number) <= old and tonumber(number) ~= good then
      redis.call('HDEL', KEYS[1], field)
    end
  end`;

export function createReleaseStore({ redis, prefix }: StoreOptions): ReleaseStore {
  const key = (app: string) => `${prefix}:app:${app}:releases`;

  async function find(app: string, number: number): Promise<Release | undefined> {
    const text = await redis.hget(key(app), `release-${number}`);
    return text === null ? undefined : (JSON.parse(text) as Release);
  }

  return {
    find,
    next: (app) => redis.hincrby(key(app), 'last', 1),
    async create(release) {
      const text = JSON.stringify(release);
      await redis.eval(createScript, 1, key(release.app), release.number, text, keep);
    },
    async markGood(app, number) {
      await redis.hset(key(app), 'good', number, `good-${number}`, 1);
    },
    async good(app) {
      const fields = await redis.hkeys(key(app));
      const numbers = fields.flatMap((field) => /^good-(\d+)$/.exec(field)?.[1] ?? []);
      return numbers.map(Number).sort((a, b) => b - a);
    },
    async lastGood(app) {
      const number = await redis.hget(key(app), 'good');
      return number === null ? undefined : find(app, Number(number));
    },
    async images() {
      const images = new Set<string>();
      let cursor = '0';
      do {
        const scan = await redis.scan(cursor, 'MATCH', `${prefix}:app:*:releases`, 'COUNT', 500);
        cursor = scan[0];
        for (const found of scan[1]) {
          for (const [field, text] of Object.entries(await redis.hgetall(found))) {
            if (field.startsWith('release-')) images.add((JSON.parse(text) as Release).image);
          }
        }
      } while (cursor !== '0');
      return images;
    },
    async delete(app) {
      await redis.del(key(app));
    },
  };
}

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
