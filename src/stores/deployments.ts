/** Deployments in Redis. */
import type { Deployment, DeploymentStore } from '../core/deployment.ts';
import type { Paging } from '../core/page.ts';
import type { StoreOptions } from './builds.ts';
import { createListing, readPage } from './listing.ts';
import { createRecords, keepSeconds } from './records.ts';

/** How many deployments of a project, and of an environment, can be listed. */
const keep = 500;

/** A push that is told twice does not take the app back from what a person asked for since. */
const leadScript = `
  local order = tonumber(redis.call('HGET', KEYS[1], 'order') or '0')
  local taken = redis.call('HGET', KEYS[1], 'taken')
  local wanted = tonumber(ARGV[2])
  if wanted > order or (wanted == order and not taken) then
    redis.call('HSET', KEYS[1], 'deployment', ARGV[1], 'order', ARGV[2])
    redis.call('HDEL', KEYS[1], 'taken')
    return ARGV[1]
  end
  return redis.call('HGET', KEYS[1], 'deployment') or ''`;

/** The record and the lead are one step, so that nothing follows a deployment that is not there. */
const takeOverScript = `
  if redis.call('EXISTS', KEYS[2]) == 1 then return false end
  local previous = redis.call('HGET', KEYS[1], 'deployment') or ''
  local order = redis.call('HGET', KEYS[1], 'order') or '0'
  if tonumber(ARGV[2]) > tonumber(order) then order = ARGV[2] end
  redis.call('HSET', KEYS[1], 'deployment', ARGV[1], 'order', order, 'taken', '1')
  redis.call('HSET', KEYS[2], unpack(ARGV, 4))
  redis.call('HSET', KEYS[2], 'order', order)
  redis.call('EXPIRE', KEYS[2], ARGV[3])
  redis.call('SADD', KEYS[3], ARGV[1])
  return { order, previous }`;

export function createDeploymentStore(options: StoreOptions): DeploymentStore {
  const { redis, prefix } = options;
  const activeKey = `${prefix}:active-deployments`;
  const records = createRecords<Deployment>({
    redis,
    prefix: `${prefix}:deployment:`,
    noun: 'deployment',
    activeStates: ['held', 'queued', 'running'],
    activeKey,
  });
  const lists = createLists(options);
  const leader = (app: string) => `${prefix}:app:${app}:leader`;

  return {
    ...records,
    release: (id) => records.move(id, 'held', 'queued'),
    hold: (id, reason) => records.move(id, 'held', 'held', reason),
    async create(deployment) {
      const kept = await records.create(deployment);
      await lists.add(kept);
      return kept;
    },
    async takeOver(deployment) {
      const { id, app, order: own } = deployment;
      const keys = [leader(app), records.key(id), activeKey] as const;
      const fields = records.fieldsOf(deployment);
      const answer = await redis.eval(takeOverScript, 3, ...keys, id, own, keepSeconds, ...fields);
      if (answer === null) throw new Error(`The deployment ${id} is there already.`);
      await lists.add(deployment);
      const [order, previous] = answer as [string, string];
      return {
        deployment: { ...deployment, order: Number(order) },
        ...(previous === '' ? {} : { previous }),
      };
    },
    list: async (project, { environment, ...paging }) =>
      readPage(await lists.page(project, environment, paging), records.find),
    async lead({ app, id, order }) {
      return String(await redis.eval(leadScript, 1, leader(app), id, order));
    },
    async leader(app) {
      return (await redis.hget(leader(app), 'deployment')) ?? undefined;
    },
    async forget(app) {
      await redis.multi().hdel(leader(app), 'deployment').hset(leader(app), 'taken', '1').exec();
    },
  };
}

/** Each deployment stands in the list of its project, and in that of its environment. */
function createLists({ redis, prefix }: StoreOptions) {
  const listing = createListing({ redis, keep, keepSeconds });
  const key = (project: number, environment?: string) =>
    environment === undefined
      ? `${prefix}:project:${project}:deployments`
      : `${prefix}:project:${project}:environment:${environment}:deployments`;

  return {
    async add({ id, project, environment, createdAt }: Deployment): Promise<void> {
      await listing.add(key(project), id, createdAt);
      await listing.add(key(project, environment), id, createdAt);
    },
    page: (project: number, environment: string | undefined, paging: Paging) =>
      listing.page(key(project, environment), paging),
  };
}
