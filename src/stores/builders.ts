/** Which build hosts there are and how many builds each runs at a time, and how long builds took. */
import { medianOf } from '../core/waiting.ts';
import type { StoreOptions } from './builds.ts';

/** A host that says nothing for so many seconds no longer counts. */
const silentAfter = 30;

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
  const all = `${prefix}:builders`;
  const keyOf = (name: string) => `${prefix}:builder:${name}`;

  /** Names and slots of those that are alive; Redis forgets the others, by its own clock. */
  async function alive(): Promise<[string, number][]> {
    const names = (await redis.smembers(all)).sort();
    if (names.length === 0) return [];
    const texts = await redis.mget(names.map(keyOf));
    const gone = names.filter((_, index) => texts[index] === null);
    if (gone.length > 0) await redis.srem(all, ...gone);
    return names
      .map((name, index): [string, number] => [name, Number(texts[index])])
      .filter(([name]) => !gone.includes(name));
  }

  return {
    async announce({ name, slots }) {
      await redis.multi().sadd(all, name).set(keyOf(name), slots, 'EX', silentAfter).exec();
    },
    async leave(name) {
      await redis.multi().srem(all, name).del(keyOf(name)).exec();
    },
    first: async () => (await alive())[0]?.[0],
    slots: async () => (await alive()).reduce((sum, [, slots]) => sum + slots, 0),
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
