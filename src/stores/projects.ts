/** Projects that Ekiden has worked for, and the ids of their apps, in Redis. */
import type { AppIds, ProjectStore } from '../core/project.ts';
import type { StoreOptions } from './builds.ts';
import { createListing, readPage } from './listing.ts';

/** How many projects can be listed. */
const keep = 10_000;
const keepSeconds = 400 * 24 * 60 * 60;

export function createProjectStore({ redis, prefix }: StoreOptions): ProjectStore {
  const listing = createListing({ redis, keep, keepSeconds });
  const byActivity = `${prefix}:projects`;
  const paths = `${prefix}:projects:paths`;

  async function find(id: number) {
    const path = await redis.hget(paths, String(id));
    return path === null ? undefined : { id, path };
  }

  return {
    find,
    async note({ id, path }) {
      await redis.hset(paths, String(id), path);
      await listing.add(byActivity, String(id), Date.now());
    },
    list: async (paging) =>
      readPage(await listing.page(byActivity, paging), (id) => find(Number(id))),
    ids: async () => (await redis.zrevrange(byActivity, 0, -1)).map(Number),
  };
}

/** Answers the id that the service has, or gives it the wanted one, made longer until nobody else has it. */
const claimScript = `
  local known = redis.call('HGET', KEYS[1], ARGV[1])
  if known then return known end
  local id = ARGV[2]
  while redis.call('HEXISTS', KEYS[2], id) == 1 do id = id .. '-' .. ARGV[3] end
  redis.call('HSET', KEYS[1], ARGV[1], id)
  redis.call('HSET', KEYS[2], id, ARGV[1])
  return id`;

const releaseScript = `
  local holder = redis.call('HGET', KEYS[2], ARGV[1])
  if holder then redis.call('HDEL', KEYS[1], holder) end
  redis.call('HDEL', KEYS[2], ARGV[1])`;

export function createAppIds({ redis, prefix }: StoreOptions): AppIds {
  const byService = `${prefix}:apps:by-service`;
  const byId = `${prefix}:apps:by-id`;

  return {
    async claim({ project, environment, service, wanted }) {
      const name = JSON.stringify([project, environment, service]);
      return String(await redis.eval(claimScript, 2, byService, byId, name, wanted, project));
    },
    list: (where) => listApps({ redis, prefix }, where),
    async release(app) {
      await redis.eval(releaseScript, 2, byService, byId, app);
    },
  };
}

/** The ids that the services of an environment have, by service. */
export async function listApps(
  { redis, prefix }: StoreOptions,
  { project, environment }: { project: number; environment: string },
): Promise<Map<string, string>> {
  const beginning = JSON.stringify([project, environment]).slice(0, -1);
  // What a pattern takes for more than itself has to be escaped.
  const pattern = `${beginning.replace(/[[\]*?\\^]/g, '\\$&')},*`;
  const found = new Map<string, string>();
  let cursor = '0';
  do {
    const scan = await redis.hscan(
      `${prefix}:apps:by-service`,
      cursor,
      'MATCH',
      pattern,
      'COUNT',
      1_000,
    );
    cursor = scan[0];
    for (let at = 0; at < scan[1].length; at += 2) {
      const [, , service] = JSON.parse(scan[1][at] ?? '[]') as [number, string, string];
      found.set(service, scan[1][at + 1] ?? '');
    }
  } while (cursor !== '0');
  return found;
}
