/** Which branches and tags use which fragments, in Redis. */
import type { FragmentUse, FragmentUses } from '../core/fragment.ts';
import type { StoreOptions } from './builds.ts';
import { createListing, readPage } from './listing.ts';

/** How many refs that use a fragment are known. */
const keep = 10_000;
const keepSeconds = 400 * 24 * 60 * 60;

/** The use of a ref and its places in the lists of fragments change in one step. */
const noteScript = `
  local old = redis.call('HGET', KEYS[1], ARGV[1])
  if old then
    local use = cjson.decode(old)
    if use.order > tonumber(ARGV[3]) then return end
    for _, fragment in ipairs(use.fragments) do
      redis.call('ZREM', ARGV[6] .. fragment.name, ARGV[5])
    end
  end
  local use = cjson.decode(ARGV[2])
  if #use.fragments == 0 then return redis.call('HDEL', KEYS[1], ARGV[1]) end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('EXPIRE', KEYS[1], ARGV[7])
  for _, fragment in ipairs(use.fragments) do
    local list = ARGV[6] .. fragment.name
    redis.call('ZADD', list, ARGV[4], ARGV[5])
    redis.call('ZREMRANGEBYRANK', list, 0, -tonumber(ARGV[8]) - 1)
    redis.call('EXPIRE', list, ARGV[7])
  end`;

const forgetScript = `
  local old = redis.call('HGET', KEYS[1], ARGV[1])
  if not old then return end
  for _, fragment in ipairs(cjson.decode(old).fragments) do
    redis.call('ZREM', ARGV[3] .. fragment.name, ARGV[2])
  end
  redis.call('HDEL', KEYS[1], ARGV[1])`;

export function createFragmentUses({ redis, prefix }: StoreOptions): FragmentUses {
  const listing = createListing({ redis, keep, keepSeconds });
  const list = `${prefix}:fragment:`;
  const key = (project: number) => `${prefix}:project:${project}:fragments`;
  // No ref holds a blank.
  const memberOf = (project: number, ref: string) => `${project} ${ref}`;

  async function find(member: string): Promise<FragmentUse | undefined> {
    const [project, ref = ''] = member.split(' ');
    const text = await redis.hget(key(Number(project)), ref);
    return text === null ? undefined : JSON.parse(text);
  }

  return {
    async note(use) {
      const { project, ref, order, at } = use;
      const given = [ref, JSON.stringify(use), order, at, memberOf(project, ref), list];
      const bounds = [keepSeconds, keep];
      await redis.eval(noteScript, 1, key(project), ...[...given, ...bounds].map(String));
    },
    async forget(project, only) {
      const refs = only === undefined ? await redis.hkeys(key(project)) : [only];
      for (const ref of refs) {
        await redis.eval(forgetScript, 1, key(project), ref, memberOf(project, ref), list);
      }
    },
    list: async (name, paging) => readPage(await listing.page(list + name, paging), find),
    async count(name) {
      const members = await redis.zrange(list + name, '0', '-1');
      const projects = new Set(members.map((member) => member.split(' ', 1)[0]));
      return { refs: members.length, projects: projects.size };
    },
  };
}
