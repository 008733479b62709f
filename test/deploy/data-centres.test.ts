/** Services in two data centres, each a real engine: what is deployed, told and taken down while one is away. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createDataCentres, type DataCentres } from '../../src/clients/data-centres.ts';
import { createMarathon } from '../../src/clients/marathon.ts';
import { silent } from '../../src/core/log.ts';
import type { ServiceSpec } from '../../src/core/manifest.ts';
import { createDeployer } from '../../src/deploy/deployer.ts';
import { createOperations } from '../../src/deploy/operations/operations.ts';
import { createServices } from '../../src/deploy/services/services.ts';
import { finishRemovals } from '../../src/deploy/taking-down.ts';
import type { Stores } from '../../src/stores/index.ts';
import { busybox, startTestEngine, type TestEngine, WAIT } from '../engine/harness.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';
import { type MarathonProxy, startMarathonProxy } from '../stand-ins/marathon/proxy.ts';
import { app } from './rig.ts';
import { sampleDeployment, sampleService } from './sample.ts';

const name = { project: 7, environment: 'production', service: 'web' };
const patience = { timeout: 20_000 };

let redis: RedisStores;
let paris: TestEngine;
let oslo: TestEngine;
let wayToOslo: MarathonProxy;
let dataCentres: DataCentres;
let stores: Stores;
let parts: ReturnType<typeof createParts>;

beforeAll(async () => {
  redis = await startRedisStores();
  stores = redis.fresh();
  [paris, oslo] = await Promise.all([startTestEngine(), startTestEngine()]);
  wayToOslo = await startMarathonProxy(oslo.url);
  const marathon = (url: string) => createMarathon({ addresses: [url], log: silent });
  dataCentres = createDataCentres({
    all: [
      { name: 'paris', marathon: marathon(paris.url) },
      { name: 'oslo', marathon: marathon(wayToOslo.url) },
    ],
  });
  parts = createParts();
});
afterAll(async () => {
  await dataCentres.close();
  await wayToOslo.stop();
  await Promise.all([paris.close(), oslo.close()]);
  await redis.stop();
});
afterEach(async () => {
  wayToOslo.heal();
  for (const engine of [paris, oslo]) {
    await engine.api('DELETE', `/v2/apps${app}?force=true`);
    await engine.settled(app);
  }
});

function createParts(known = dataCentres) {
  // Each engine looks after the containers of its own install; the labels of apps are Ekiden's.
  const install = 'lab';
  const { exclusively } = stores.locks;
  const urlOf = (address: string) => `http://${address}`;
  const common = { ...stores, dataCentres: known, install, exclusively, urlOf, log: silent };
  const balancers = { isRouted: async () => true, isFree: async () => true, settling: 200 };
  const deployer = createDeployer({ ...common, ...balancers, domain: 'apps.test' });
  const services = createServices({ ...common, routed: async () => [] });
  const operations = createOperations({
    ...{ ...common, ...balancers, services, maxInstances: 10 },
    handOn: async () => undefined,
    ensureNumbered: async () => undefined,
    cancelBuilds: async () => undefined,
  });
  return { deployer, services, operations };
}

async function push(id: string, order: number, change: Partial<ServiceSpec> = {}) {
  const usual = { command: WAIT, mem: 32, health: false as const, env: { TRY: id } };
  const service = sampleService({ ...usual, ...change });
  const wanted = sampleDeployment({ id, order, service, image: busybox, request: id });
  await stores.deployments.create(wanted);
  await stores.deployments.lead(wanted);
  const attempt = { signal: new AbortController().signal, first: true, last: true };
  await parts.deployer.deploy(id, async () => undefined, attempt);
}

const loseOslo = () => wayToOslo.fail(/./, { kind: 'refused' }, Number.POSITIVE_INFINITY);

/** The value of TRY in the app of a data centre; undefined where it has none. */
async function runsIn(engine: TestEngine): Promise<string | undefined> {
  const { status, body } = await engine.api('GET', `/v2/apps${app}`);
  return status === 404 ? undefined : body.app.env.TRY;
}

it('a service runs in both, and is told as one', async () => {
  await push('both', 1);
  expect(await Promise.all([runsIn(paris), runsIn(oslo)])).toEqual(['both', 'both']);
  const found = await parts.services.find(name);
  expect(found).toMatchObject({
    ...{ app, release: { number: expect.any(Number) } },
    places: [
      { dataCentre: 'oslo', instances: { wanted: 1 } },
      { dataCentre: 'paris', instances: { wanted: 1 } },
    ],
  });
  expect(found?.instances.wanted).toBe(2);
  expect(found?.list.map(({ dataCentre }) => dataCentre).sort()).toEqual(['oslo', 'paris']);
  await parts.operations.scale(name, { instances: 2, by: 'ada' });
  await expect
    .poll(async () => (await parts.services.find(name))?.instances.healthy, patience)
    .toBe(4);
});

it('a manifest places it in one of them, which is named where it is gone from the settings', async () => {
  await push('one', 10, { dataCentres: ['oslo'] });
  expect(await Promise.all([runsIn(paris), runsIn(oslo)])).toEqual([undefined, 'one']);
  // The settings may call it by another name by now.
  const { marathon } = dataCentres.find('oslo');
  const all = [dataCentres.find('paris'), { name: 'bergen', marathon }];
  const renamed = createDataCentres({ all });
  expect(await createParts(renamed).services.find(name)).toMatchObject({
    reason: expect.stringMatching(/oslo, where it belongs, is no data centre of the settings$/),
    places: [{ dataCentre: 'bergen' }],
  });
});

it('one that is away stops nothing in the other, and is named', async () => {
  await push('before', 20);
  loseOslo();
  const found = await parts.services.find(name);
  expect(found).toMatchObject({
    reason: expect.stringContaining('oslo is away since'),
    places: [
      { dataCentre: 'oslo', awaySince: expect.any(Number), reason: expect.any(String) },
      { dataCentre: 'paris' },
    ],
  });
  await parts.operations.restart(name, 'ada');
  await paris.settled(app);
  await push('meanwhile', 21);
  expect(await runsIn(paris)).toBe('meanwhile');
  wayToOslo.heal();
  expect((await parts.services.find(name))?.places).toMatchObject([{ instances: {} }, {}]);
});

it('what is taken down while one is away goes from there once it is back', async () => {
  await push('doomed', 30);
  loseOslo();
  expect(await parts.operations.remove({ project: 7, by: 'ada' })).toContain(app);
  expect(await runsIn(paris)).toBeUndefined();
  expect(await stores.removals.list()).toEqual([{ app, dataCentre: 'oslo' }]);
  const finish = () => finishRemovals({ ...stores, dataCentres, log: silent });
  await finish();
  expect(await stores.removals.list()).toHaveLength(1);
  wayToOslo.heal();
  expect(await runsIn(oslo)).toBe('doomed');
  await finish();
  expect(await runsIn(oslo)).toBeUndefined();
  expect(await stores.removals.list()).toEqual([]);
});

it('what one refuses to take down keeps nothing else from going', async () => {
  await push('doomed3', 35);
  const unauthorized = { kind: 'answer', status: 401, body: { message: 'Who are you?' } } as const;
  wayToOslo.fail(/^DELETE|apps/, unauthorized, Number.POSITIVE_INFINITY);
  await parts.operations.remove({ project: 7, by: 'ada' });
  expect(await runsIn(paris)).toBeUndefined();
  const gone = { app: '/gone', dataCentre: 'paris' };
  await stores.removals.note(gone);
  await finishRemovals({ ...stores, dataCentres, log: silent });
  expect(await stores.removals.list()).toEqual([{ app, dataCentre: 'oslo' }]);
  wayToOslo.heal();
  await finishRemovals({ ...stores, dataCentres, log: silent });
  expect(await runsIn(oslo)).toBeUndefined();
  expect(await stores.removals.list()).toEqual([]);
});

it('what was deployed again meanwhile is not taken down', async () => {
  await push('doomed2', 40);
  await stores.removals.note({ app, dataCentre: 'oslo' });
  await finishRemovals({ ...stores, dataCentres, log: silent });
  expect(await runsIn(oslo)).toBe('doomed2');
  expect(await stores.removals.list()).toEqual([]);
});
