/** Records of releases made again of what Marathon and GitLab know, when Redis has lost them. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createDataCentres } from '../../src/clients/data-centres.ts';
import type { Deployment } from '../../src/core/deployment.ts';
import { silent } from '../../src/core/log.ts';
import type { Release } from '../../src/core/release.ts';
import { otherAppOf } from '../../src/core/traffic.ts';
import {
  ensureNumbered,
  type RebuildOptions,
  rebuildReleases,
} from '../../src/deploy/releases/rebuild.ts';
import { draftRelease } from '../../src/deploy/releases/release-draft.ts';
import { catchUp } from '../../src/deploy/rollout/catching-up.ts';
import type { Stores } from '../../src/stores/index.ts';
import { createFakeMarathon, type FakeMarathon } from '../fakes/marathon.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';
import { app, away, wrongPort } from './rig.ts';
import { sampleDeployment } from './sample.ts';

const production = { project: 7, environment: 'production' };
let redis: RedisStores;
let marathon: FakeMarathon;
let stores: Stores;
/** Of these releases GitLab shows a deployment that succeeded, and of those only some that failed. */
let succeeded: number[];
let failed: number[];

beforeAll(async () => {
  redis = await startRedisStores();
});
afterAll(() => redis.stop());
beforeEach(() => {
  marathon = createFakeMarathon();
  stores = redis.fresh();
  succeeded = [];
  failed = [];
});

const dataCentres = () => createDataCentres({ all: [{ name: 'default', marathon }] });

function options(change: Partial<Pick<RebuildOptions, 'toldOf'>> = {}): RebuildOptions {
  return {
    ...stores,
    ...{ install: 'lab', log: silent },
    dataCentres: dataCentres(),
    async toldOf({ number }: Release) {
      if (succeeded.includes(number)) return 'good';
      return failed.includes(number) ? 'bad' : undefined;
    },
    ...change,
  };
}

/** Sends what a deployer would. */
async function send(
  number: number,
  change: Partial<Deployment> = {},
  id?: string,
): Promise<Release> {
  const release = draftRelease(sampleDeployment({ image: `r/web@sha256:${number}`, ...change }), {
    ...{ install: 'lab', domain: 'apps.test', number, createdAt: number * 1_000 },
    environment: { env: { KEY: `secret-value-${number}` }, secrets: ['KEY'] },
  });
  await marathon.putApp({ ...release.definition, id: id ?? release.app });
  return release;
}

it('brings every release back as it was, each once', async () => {
  const sent = [await send(2), await send(3), await send(5)];
  expect(await rebuildReleases(options())).toBe(3);
  const kept = await stores.releases.list(app);
  expect(kept.map(({ release }) => release)).toEqual(sent.toReversed());
  expect(await rebuildReleases(options())).toBe(0);
});

it('knows as good what runs, and what GitLab says succeeded', async () => {
  for (const number of [1, 2, 3, 4]) await send(number);
  succeeded = [2];
  await rebuildReleases(options());
  expect(await stores.releases.good(app)).toEqual([4, 2]);
  expect(await stores.releases.lastGood(app)).toMatchObject({ number: 4 });
});

/** What the role deploy does by itself when Redis has lost everything. */
const look = () =>
  catchUp({
    ...{ ...stores, exclusively: stores.locks.exclusively, install: 'lab', log: silent },
    ...{ dataCentres: dataCentres(), isFree: async () => true },
    ...{ patience: 500, lastRequests: 0 },
    ensureNumbered: (where) => ensureNumbered(options(), where),
  });
const numberOf = (id = app) =>
  (marathon.definitionOf(id)?.['labels'] as Record<string, string>)?.['ekiden.release'];

it.each([
  ['in its own app', app],
  ['in the second app, which is the only one since a switch', otherAppOf(app)],
])(
  'judges late what was under way %s: it goes back where it does not become healthy',
  async (_, id) => {
    for (const number of [1, 2]) await send(number, {}, id);
    marathon.play(2, wrongPort);
    succeeded = [1];
    await look();
    expect(await stores.releases.standing(app, 2)).toMatchObject({
      state: 'bad',
      reason: 'not healthy after 300 s: listens on 3000, checked 8080',
    });
    expect(numberOf(id)).toBe('1');
  },
);

it.each([
  ['somebody deploys meanwhile', undefined, true],
  ['GitLab does not answer', away(), false],
])('does not judge while %s', async (_, error, isDeployed) => {
  for (const number of [1, 2]) await send(number);
  marathon.play(2, wrongPort);
  succeeded = [1];
  if (isDeployed) await stores.deployments.takeOver(sampleDeployment({ id: 'd3', app }));
  const toldOf = async ({ number }: Release) => {
    if (error && number === 2) throw error;
    return number === 1 ? ('good' as const) : undefined;
  };
  await rebuildReleases(options({ toldOf }));
  await look();
  expect([(await stores.releases.standing(app, 2))?.state, numberOf()]).toEqual(['trying', '2']);
});

it('knows as bad what GitLab says failed, so that its commit is not deployed by itself', async () => {
  await send(1, { sha: 'a'.repeat(40) });
  await send(2);
  failed = [1, 2];
  await rebuildReleases(options());
  expect(await stores.releases.standing(app, 1)).toMatchObject({
    ...{ state: 'bad', reason: 'GitLab shows that it failed' },
  });
  expect(await stores.releases.isBad(app, { sha: 'a'.repeat(40) })).toBe(true);
  expect(await stores.releases.lastGood(app)).toMatchObject({ number: 2 });
});

it('takes what does not run well for no good one', async () => {
  await send(1);
  await send(2);
  succeeded = [1];
  marathon.play(2, { state: 'TASK_STAGING' });
  await rebuildReleases(options());
  expect(await stores.releases.lastGood(app)).toMatchObject({ number: 1 });
});

it('goes on without GitLab', async () => {
  await send(1);
  await send(2);
  await rebuildReleases(options({ toldOf: () => Promise.reject(away()) }));
  expect(await stores.releases.good(app)).toEqual([2]);
  expect(await stores.releases.find(app, 1)).toBeDefined();
});

it('numbers go on above, apps keep their ids, and the project is known', async () => {
  await send(12, { app: '/an/old/name', projectPath: 'shop/cart' });
  await ensureNumbered(options(), production);
  expect(await stores.releases.number(production, 'push')).toBe(13);
  const named = { ...production, service: 'web', wanted: '/shop/cart/production/web' };
  expect(await stores.appIds.claim(named)).toBe('/an/old/name');
  expect(await stores.knownProjects.find(7)).toEqual({ id: 7, path: 'shop/cart' });
});

it('of an app of an older Ekiden only the number is known', async () => {
  const { definition } = await send(3);
  const { 'ekiden.spec': _, ...labels } = definition['labels'] as Record<string, string>;
  await marathon.putApp({ ...definition, id: app, labels: { ...labels, 'ekiden.release': '4' } });
  await ensureNumbered(options(), production);
  expect(await stores.releases.find(app, 4)).toBeUndefined();
  expect(await stores.releases.find(app, 3)).toBeDefined();
  expect(await stores.releases.number(production, 'push')).toBe(5);
});

it('asks nothing of Marathon where numbers are known', async () => {
  await stores.releases.number(production, 'push');
  marathon.onCall = () => Promise.reject(away());
  await ensureNumbered(options(), production);
  await expect(ensureNumbered(options(), { ...production, project: 8 })).rejects.toThrow('away');
});

it('changes no record that is there', async () => {
  const release = await send(3);
  const { releases } = stores;
  await releases.create({ ...release, author: 'ada' });
  await releases.markBad(app, 3, 'exit code 1');
  await rebuildReleases(options());
  expect(await releases.find(app, 3)).toMatchObject({ author: 'ada' });
  expect(await releases.standing(app, 3)).toMatchObject({ state: 'bad' });
});

it('leaves alone what is of another installation', async () => {
  await send(3);
  await rebuildReleases({ ...options(), install: 'other' });
  expect(await stores.releases.list(app)).toEqual([]);
});
