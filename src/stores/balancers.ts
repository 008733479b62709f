/** Who balances, and which instances each balancer sends requests to now. */
import type { Sync } from '../core/sync.ts';
import type { StoreOptions } from './builds.ts';

/** A balancer that says nothing for so long no longer counts. */
const silentSeconds = 60;

/** What a balancer follows, and how fresh it is what it knows. */
export interface Following {
  dataCentres: string[];
  syncs: Sync[];
}

export interface Balancers {
  /** Notes what a balancer applied; an empty change is a sign of life. */
  report(
    balancer: string,
    apps: { app: string; instances: string[] }[],
    following?: Following,
  ): Promise<void>;
  /** Forgets a balancer that stops. */
  leave(balancer: string): Promise<void>;
  /** The balancers that have reported lately. */
  alive(): Promise<string[]>;
  /** What the balancers that have reported lately follow. */
  following(): Promise<(Following & { balancer: string })[]>;
  /**
   * True when every balancer sends requests to all of `instances`; true as well when there is none. With
   * a data centre only those count that send requests there.
   */
  isRouted(app: string, instances: string[], dataCentre?: string): Promise<boolean>;
  /** True when no balancer sends new requests to any of `instances`. */
  isFree(app: string, instances: string[]): Promise<boolean>;
  /**
   * The instances of the app that every balancer sends requests to, of those that send any to the data
   * centre; none where there is no balancer.
   */
  routed(app: string, dataCentre?: string): Promise<string[]>;
}

export function createBalancers({ redis, prefix }: StoreOptions): Balancers {
  const all = `${prefix}:balancers`;
  const key = (balancer: string) => `${prefix}:balancer:${balancer}`;

  /** The instances of the app at each balancer; those that fell silent are forgotten. */
  async function listsOf(app: string, dataCentre?: string): Promise<string[][]> {
    const lists: string[][] = [];
    for (const balancer of await redis.smembers(all)) {
      const [alive, routed, told] = await redis.hmget(key(balancer), 'alive', app, 'following');
      if (!alive) await redis.srem(all, balancer);
      else if (follows(told, dataCentre)) lists.push(routed ? JSON.parse(routed) : []);
    }
    return lists;
  }

  return {
    async report(balancer, apps, following) {
      const fields = {
        alive: Date.now(),
        ...(following ? { following: JSON.stringify(following) } : {}),
        ...Object.fromEntries(apps.map((each) => [each.app, JSON.stringify(each.instances)])),
      };
      const write = redis.multi().sadd(all, balancer);
      if (apps.length > 0) write.del(key(balancer));
      await write.hset(key(balancer), fields).expire(key(balancer), silentSeconds).exec();
    },
    async leave(balancer) {
      await redis.multi().srem(all, balancer).del(key(balancer)).exec();
    },
    async alive() {
      const names = await redis.smembers(all);
      const alive = await Promise.all(names.map((name) => redis.exists(key(name))));
      return names.filter((_, index) => alive[index] === 1).sort();
    },
    async following() {
      const names = (await redis.smembers(all)).sort();
      const told = await Promise.all(names.map((name) => redis.hget(key(name), 'following')));
      return names.flatMap((balancer, index) => followingIn(balancer, told[index]));
    },
    async routed(app, dataCentre) {
      const [first = [], ...others] = await listsOf(app, dataCentre);
      return first.filter((instance) => others.every((list) => list.includes(instance)));
    },
    async isRouted(app, instances, dataCentre) {
      const told = await listsOf(app, dataCentre);
      return told.every((now) => instances.every((instance) => now.includes(instance)));
    },
    async isFree(app, instances) {
      const told = await listsOf(app);
      return !told.some((now) => instances.some((instance) => now.includes(instance)));
    },
  };
}

/** A balancer that does not say what it follows follows everything. */
function follows(told: string | null | undefined, dataCentre: string | undefined): boolean {
  if (dataCentre === undefined || !told) return true;
  return (JSON.parse(told) as Following).dataCentres.includes(dataCentre);
}

/** Nothing of a balancer that fell silent. */
function followingIn(balancer: string, told: string | null | undefined) {
  return told ? [{ balancer, ...(JSON.parse(told) as Following) }] : [];
}
