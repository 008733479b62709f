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
  /** `shortage`: what the host lacks while it takes no builds. */
  announce(host: { name: string; slots: number; shortage?: string | undefined }): Promise<void>;
  /** Forgets a host that stops. */
  leave(name: string): Promise<void>;
  /** Name of one of those that are alive, the same for all who ask. */
  first(): Promise<string | undefined>;
  /** Builds that all hosts which are alive and have room run at a time. */
  slots(): Promise<number>;
  /** What a host lacks, where hosts are alive and none has room. */
  shortage(): Promise<string | undefined>;
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

interface Alive {
  name: string;
  slots: number;
  /** Empty where it has room. */
  shortage: string;
}

function openHosts({ redis, prefix }: StoreOptions): BuildHosts {
  const all = `${prefix}:builders`;
  const keyOf = (name: string) => `${prefix}:builder:${name}`;

  /** Those that are alive; Redis forgets the others, by its own clock. */
  async function alive(): Promise<Alive[]> {
    const names = (await redis.smembers(all)).sort();
    if (names.length === 0) return [];
    const texts = await redis.mget(names.map(keyOf));
    const gone = names.filter((_, index) => texts[index] === null);
    if (gone.length > 0) await redis.srem(all, ...gone);
    return names.flatMap((name, index) => {
      const [slots, ...shortage] = texts[index]?.split(' ') ?? [];
      return slots === undefined
        ? []
        : { name, slots: Number(slots), shortage: shortage.join(' ') };
    });
  }

  return {
    async announce({ name, slots, shortage = '' }) {
      const text = `${slots} ${shortage}`.trimEnd();
      await redis.multi().sadd(all, name).set(keyOf(name), text, 'EX', silentAfter).exec();
    },
    async leave(name) {
      await redis.multi().srem(all, name).del(keyOf(name)).exec();
    },
    first: async () => (await alive())[0]?.name,
    async slots() {
      const hosts = (await alive()).filter(({ shortage }) => shortage === '');
      return hosts.reduce((sum, { slots }) => sum + slots, 0);
    },
    async shortage() {
      const hosts = await alive();
      return hosts.every(({ shortage }) => shortage !== '') ? hosts[0]?.shortage : undefined;
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
