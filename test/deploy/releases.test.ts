/** Releases of an environment as people look at them, and what a deployment would change. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDataCentres } from '../../src/clients/data-centres.ts';
import type { CommitNote } from '../../src/core/commit.ts';
import type { Deployment } from '../../src/core/deployment.ts';
import type { Strategy } from '../../src/core/manifest.ts';
import type { AppEnvironment } from '../../src/core/variable.ts';
import { type PlanOptions, plan } from '../../src/deploy/releases/plan.ts';
import { draftRelease } from '../../src/deploy/releases/release-draft.ts';
import { createHistory, type HistoryOptions } from '../../src/deploy/releases/releases.ts';
import type { Stores } from '../../src/stores/index.ts';
import { createFakeMarathon, type FakeMarathon } from '../fakes/marathon.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';
import { app } from './rig.ts';
import { sampleDeployment, sampleService } from './sample.ts';

const production = { project: 7, environment: 'production' };
const rpc = { app: '/shop/cart/production/rpc', service: sampleService({ name: 'rpc' }) };
const note = (sha: string): CommitNote => ({ sha, title: `title of ${sha}` });

let redis: RedisStores;
let marathon: FakeMarathon;
let stores: Stores;
let variables: AppEnvironment;

beforeAll(async () => {
  redis = await startRedisStores();
});
afterAll(() => redis.stop());
beforeEach(() => {
  marathon = createFakeMarathon();
  stores = redis.fresh();
  variables = { env: {}, secrets: [], warnings: [] };
});

function options(): HistoryOptions & PlanOptions {
  return {
    ...stores,
    ...{ install: 'lab', domain: 'apps.test' },
    dataCentres: createDataCentres({ all: [{ name: 'paris', marathon }] }),
    ensureNumbered: async () => undefined,
    environmentOf: async () => variables,
    commits: {
      find: async (_, shas) => new Map(shas.map((sha) => [sha, note(sha)])),
      between: async (_, from, to) => [note(`${from}..${to}`)],
    },
  };
}

/** Keeps and sends a release, as a deployer does. */
async function release(number: number, change: Partial<Deployment> = {}, env = {}) {
  const deployment = sampleDeployment({ sha: `sha-${number}`, image: `r@${number}`, ...change });
  const made = draftRelease(deployment, {
    ...{ install: 'lab', domain: 'apps.test', number, createdAt: number * 1_000 },
    environment: { env, secrets: Object.keys(env) },
  });
  const { service, environment, project } = made;
  await stores.appIds.claim({ project, environment, service, wanted: made.app });
  await stores.releases.create(made);
  await marathon.putApp({ ...made.definition, id: made.app });
  await stores.releases.markGood(made.app, number);
  return made;
}

describe('the list of releases', () => {
  it('has all services of one push together, newest first, with what runs', async () => {
    await release(1);
    await release(2);
    await release(2, rpc);
    await release(4, { by: 'ada' });
    await stores.releases.markBad(app, 4, 'exit code 1');
    const history = createHistory(options());
    const { items } = await history.list(production, { limit: 10 });
    const told = items.map(({ number, standing, author, commit, services }) => [
      ...[number, standing.state, author, commit?.title],
      services.map((each) => `${each.service}${each.runs ? ' runs' : ''}`),
    ]);
    expect(told).toEqual([
      [4, 'bad', 'ada', 'title of sha-4', ['web runs']],
      [2, 'good', undefined, 'title of sha-2', ['rpc runs', 'web']],
      [1, 'good', undefined, 'title of sha-1', ['web']],
    ]);
  });

  it('comes in pages', async () => {
    for (const number of [1, 3, 4]) await release(number);
    const history = createHistory(options());
    const first = await history.list(production, { limit: 2 });
    expect([first.items.map(({ number }) => number), first.next]).toEqual([[4, 3], '3']);
    const second = await history.list(production, { limit: 2, cursor: '3' });
    expect([second.items.map(({ number }) => number), second.next]).toEqual([[1], undefined]);
    expect(await history.list(production, { limit: 2, cursor: '1' })).toEqual({ items: [] });
    expect(await history.list({ ...production, project: 8 }, { limit: 2 })).toEqual({ items: [] });
  });
});

describe('the difference of two releases', () => {
  it('is that of all services, by what they had at the numbers', async () => {
    await release(1);
    await release(2, rpc);
    await release(3, {}, { KEY: 'value' });
    const history = createHistory(options());
    expect(await history.diff(production, { from: 1, to: 3 })).toMatchObject({
      ...{ from: 1, to: 3, sha: { from: 'sha-1', to: 'sha-3' } },
      commits: {
        added: [{ title: 'title of sha-1..sha-3' }],
        removed: [{ title: 'title of sha-3..sha-1' }],
      },
      services: [
        { service: 'rpc', to: 2 },
        { service: 'web', from: 1, to: 3, variables: { added: ['KEY'] } },
      ],
    });
    expect(await history.diff(production, {})).toMatchObject({ from: 2, to: 3 });
    expect((await history.diff(production, { from: 3, to: 3 })).services).toEqual([]);
  });

  it('says which releases there are', async () => {
    await release(1);
    const history = createHistory(options());
    await expect(history.diff(production, { from: 9, to: 1 })).rejects.toMatchObject({
      ...{ message: 'Release 9 is not kept.', hint: 'There is 1 alone.', code: 'E_RELEASE' },
    });
    await expect(history.diff(production, {})).rejects.toMatchObject({
      ...{ message: 'There are no two releases.', code: 'E_RELEASE' },
    });
    await release(2);
    await release(3);
    await expect(history.diff(production, { to: 1 })).rejects.toMatchObject({
      message: 'No release before 1 is kept.',
      hint: 'There are 3, 2, 1; name two of them as from and to.',
    });
  });
});

describe('a plan', () => {
  it('of deploying again tells what variables bring, what restarts, and warns', async () => {
    await release(1, { service: sampleService({ instances: 3 }) }, { OLD: 'secret-1' });
    variables = { env: { NEW: 'secret-2' }, secrets: ['NEW'], warnings: ['A warning.'] };
    const found = await plan(options(), production);
    expect(found).toMatchObject({
      services: [
        {
          ...{ service: 'web', kind: 'redeploy', from: 1, restarts: 3, instances: 3 },
          ...{ strategy: { kind: 'rolling' }, dataCentres: ['paris'], isSame: false },
          variables: { added: ['NEW'], removed: ['OLD'], changed: [] },
          warnings: ['A warning.', 'The secret OLD that runs now is not in GitLab any more.'],
        },
      ],
    });
    expect(found.services[0]).not.toHaveProperty('to');
    expect(JSON.stringify(found)).not.toMatch(/secret-/);
  });

  it('of a rollback tells the release that would come back', async () => {
    await release(1);
    await release(2);
    expect(await plan(options(), { ...production, release: 1 })).toMatchObject({
      services: [{ kind: 'rollback', from: 2, to: 1, image: { from: 'r@2', to: 'r@1' } }],
    });
  });

  it('tells as many instances as there will be, and how they come in', async () => {
    const strategy: Strategy = { kind: 'blue-green', keep: 60 };
    const deploy = { strategy, order: 'sequence' as const };
    await release(1, { service: sampleService({ instances: 2 }), deploy });
    await release(2, { service: sampleService({ instances: 4 }), deploy });
    await marathon.scale(app, 3);
    const planned = async (change: { release?: number } = {}) =>
      (await plan(options(), { ...production, ...change })).services[0];
    expect(await planned()).toMatchObject({ restarts: 3, instances: 4, strategy });
    const back = { restarts: 3, strategy: { kind: 'rolling' } };
    expect(await planned({ release: 1 })).toMatchObject({ ...back, instances: 2 });
    await stores.scales.save(app, { instances: 3, by: 'ada', at: 1, manifest: 4 });
    expect(await planned()).toMatchObject({ restarts: 3, instances: 3 });
    expect(await planned({ release: 1 })).toMatchObject({ ...back, instances: 3 });
    await marathon.scale(app, 0);
    expect(await planned()).toMatchObject({ restarts: 0, strategy: { kind: 'rolling' } });
  });

  it('warns of what failed before, of data centres that are not there, and of constraints', async () => {
    const service = sampleService({ dataCentres: ['rome'], constraints: [['rack', 'LIKE', 'a']] });
    await release(1, { service });
    await stores.releases.markBad(app, 1, 'exit code 1');
    const { services } = await plan(options(), production);
    expect(services[0]?.warnings).toEqual([
      'web did not become healthy with this image of this commit before.',
      'There is no data centre rome.',
      'It waits where no node meets its constraints: rack LIKE a.',
    ]);
  });

  it('says that the environment is frozen', async () => {
    await release(1);
    const freeze = { reason: 'fair', by: 'ada', at: 1 };
    await stores.environmentSettings.save(7, 'production', { autoDeploy: false, freeze });
    expect((await plan(options(), production)).held).toBe('production is frozen by ada: fair');
    await stores.environmentSettings.save(7, 'production', { autoDeploy: false });
    expect(await plan(options(), production)).not.toHaveProperty('held');
  });

  it('writes nothing', async () => {
    await release(1);
    await release(2);
    const before = await everything();
    await plan(options(), { ...production, release: 1 });
    await plan(options(), production);
    await expect(plan(options(), { ...production, build: 'none' })).rejects.toThrow('no build');
    expect(await everything()).toEqual(before);
  });

  it('of what does not run is refused as the deployment would be', async () => {
    await expect(plan(options(), production)).rejects.toMatchObject({ code: 'E_NOTHING_RUNS' });
    await release(1);
    await expect(plan(options(), { ...production, release: 9 })).rejects.toMatchObject({
      code: 'E_RELEASE',
    });
  });
});

/** What Marathon was told, and every key in Redis. */
async function contentOf(key: string) {
  const { redis: client } = stores;
  const kind = await client.type(key);
  return kind === 'hash' ? client.hgetall(key) : client.dump(key);
}

async function everything() {
  const keys = (await stores.redis.keys(`${stores.prefix}:*`)).sort();
  return [marathon.writes.length, await Promise.all(keys.map((key) => contentOf(key)))];
}
