/** Which build hosts there are and how many builds each runs at a time, and how long builds took. */
import { medianOf } from '../core/waiting.ts';
import type { StoreOptions } from './builds.ts';

/** A host that says nothing for so long no longer counts, in milliseconds. */
const silentAfter = 30_000;

/** How many of the last builds count, of a project and of all. */
const lastBuilds = 9;

/** Times that nobody adds to are forgotten, in seconds. */
const keepTimes = 90 * 24 * 60 * 60;

export interface BuildHosts {
  announce(host: { name: string; slots: number }): Promise<void>;
  /** Forgets a host that stops. */
  leave(name: string): Promise<void>;
  /** Name of one of those that are alive, the same for all who ask. */
  first(): Promise<string | undefined>;
  /** Builds that all hosts which are alive run at a time. */
  slots(): Promise<number>;
}

export interface BuildTimes {
  /** Notes how many milliseconds a build of the project took. */
  noteTime(project: number, took: number): Promise<void>;
  /** Milliseconds that builds of each project take, else those of all; undefined before the first. */
  usualTimes(projects: number[]): Promise<Map<number, number | undefined>>;
}

export type Builders = BuildHosts & BuildTimes;

export function createBuilders(options: StoreOptions): Builders {
  return { ...openHosts(options), ...openTimes(options) };
}

function openHosts({ redis, prefix }: StoreOptions): BuildHosts {
  const [seen, slots] = [`${prefix}:builders`, `${prefix}:builders:slots`];

  async function forgetGone(): Promise<void> {
    const gone = await redis.zrangebyscore(seen, 0, Date.now() - silentAfter);
    if (gone.length === 0) return;
    await redis
      .multi()
      .zrem(seen, ...gone)
      .hdel(slots, ...gone)
      .exec();
  }

  return {
    async announce(host) {
      await redis
        .multi()
        .zadd(seen, Date.now(), host.name)
        .hset(slots, host.name, host.slots)
        .exec();
    },
    async leave(name) {
      await redis.multi().zrem(seen, name).hdel(slots, name).exec();
    },
    async first() {
      await forgetGone();
      const [first] = (await redis.hkeys(slots)).sort();
      return first;
    },
    async slots() {
      await forgetGone();
      return (await redis.hvals(slots)).reduce((sum, each) => sum + Number(each), 0);
    },
  };
}

function openTimes({ redis, prefix }: StoreOptions): BuildTimes {
  const timesOf = (project?: number) =>
    project === undefined ? `${prefix}:build-times` : `${prefix}:project:${project}:build-times`;
  const middle = async (key: string) =>
    medianOf((await redis.lrange(key, 0, lastBuilds - 1)).map(Number));

  return {
    async noteTime(project, took) {
      const changes = redis.multi();
      for (const key of [timesOf(project), timesOf()]) {
        changes
          .lpush(key, took)
          .ltrim(key, 0, lastBuilds - 1)
          .expire(key, keepTimes);
      }
      await changes.exec();
    },
    async usualTimes(projects) {
      const all = await middle(timesOf());
      const each = [...new Set(projects)].map(
        async (project) => [project, (await middle(timesOf(project))) ?? all] as const,
      );
      return new Map(await Promise.all(each));
    },
  };
}
