/** Who balances, and which instances each balancer sends requests to now. */
import type { StoreOptions } from './builds.ts';

/** A balancer that says nothing for so long no longer counts. */
const silentSeconds = 60;

export interface Balancers {
  /** Notes what a balancer applied; an empty change is a sign of life. */
  report(balancer: string, apps: { app: string; instances: string[] }[]): Promise<void>;
  /** Forgets a balancer that stops. */
  leave(balancer: string): Promise<void>;
  /** The balancers that have reported lately. */
  alive(): Promise<string[]>;
  /** True when every balancer sends requests to all of `instances`; true as well when there is none. */
  isRouted(app: string, instances: string[]): Promise<boolean>;
  /** The instances of the app that every balancer sends requests to; none where there is no balancer. */
  routed(app: string): Promise<string[]>;
}

export function createBalancers({ redis, prefix }: StoreOptions): Balancers {
  const all = `${prefix}:balancers`;
  const key = (balancer: string) => `${prefix}:balancer:${balancer}`;

  return {
    async report(balancer, apps) {
      const write = redis.multi().sadd(all, balancer);
      write.hset(key(balancer), 'alive', Date.now());
      if (apps.length > 0) {
        write.del(key(balancer)).hset(key(balancer), 'alive', Date.now());
        for (const { app, instances } of apps) {
          write.hset(key(balancer), app, JSON.stringify(instances));
        }
      }
      await write.expire(key(balancer), silentSeconds).exec();
    },
    async leave(balancer) {
      await redis.multi().srem(all, balancer).del(key(balancer)).exec();
    },
    async alive() {
      const names = await redis.smembers(all);
      const alive = await Promise.all(names.map((name) => redis.exists(key(name))));
      return names.filter((_, index) => alive[index] === 1).sort();
    },
    async routed(app) {
      const names = await redis.smembers(all);
      const told = await Promise.all(names.map((name) => redis.hmget(key(name), 'alive', app)));
      const lists = told.flatMap(([alive, text]): string[][] =>
        alive ? [text ? JSON.parse(text) : []] : [],
      );
      const [first = [], ...others] = lists;
      return first.filter((instance) => others.every((list) => list.includes(instance)));
    },
    async isRouted(app, instances) {
      for (const balancer of await redis.smembers(all)) {
        const [alive, routed] = await redis.hmget(key(balancer), 'alive', app);
        if (!alive) {
          await redis.srem(all, balancer);
          continue;
        }
        const now: string[] = routed ? JSON.parse(routed) : [];
        if (!instances.every((instance) => now.includes(instance))) return false;
      }
      return true;
    },
  };
}
