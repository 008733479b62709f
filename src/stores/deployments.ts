/** Deployments and releases in Redis. */
import type { Deployment, DeploymentStore } from '../core/deployment.ts';
import type { Release, ReleaseStore } from '../core/release.ts';
import type { StoreOptions } from './builds.ts';
import { createRecords } from './records.ts';

const leadScript = `
  local order = tonumber(redis.call('HGET', KEYS[1], 'order') or '0')
  if tonumber(ARGV[2]) >= order then
    redis.call('HSET', KEYS[1], 'deployment', ARGV[1], 'order', ARGV[2])
    return ARGV[1]
  end
  return redis.call('HGET', KEYS[1], 'deployment') or ''`;

export function createDeploymentStore({ redis, prefix }: StoreOptions): DeploymentStore {
  const records = createRecords<Deployment>({
    redis,
    prefix: `${prefix}:deployment:`,
    noun: 'deployment',
    activeStates: ['queued', 'running'],
  });
  const leader = (app: string) => `${prefix}:app:${app}:leader`;

  return {
    ...records,
    async lead({ app, id, order }) {
      return String(await redis.eval(leadScript, 1, leader(app), id, order));
    },
    async leader(app) {
      return (await redis.hget(leader(app), 'deployment')) ?? undefined;
    },
    async forget(app) {
      await redis.hdel(leader(app), 'deployment');
    },
  };
}

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
      await redis.hset(key(release.app), `release-${release.number}`, JSON.stringify(release));
    },
    async markGood(app, number) {
      await redis.hset(key(app), 'good', number);
    },
    async lastGood(app) {
      const number = await redis.hget(key(app), 'good');
      return number === null ? undefined : find(app, Number(number));
    },
    async delete(app) {
      await redis.del(key(app));
    },
  };
}
