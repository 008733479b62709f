/** Deployments to the real engine through a proxy that fails: whatever comes between, the end state is right. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDataCentres, type DataCentres } from '../../src/clients/data-centres.ts';
import { createMarathon } from '../../src/clients/marathon.ts';
import { EkidenError } from '../../src/core/errors.ts';
import { silent } from '../../src/core/log.ts';
import { createDeployer, type Deployer } from '../../src/deploy/deployer.ts';
import type { Stores } from '../../src/stores/index.ts';
import { busybox, startTestEngine, type TestEngine, WAIT } from '../engine/harness.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';
import {
  type Fault,
  type MarathonProxy,
  noLeader,
  startMarathonProxy,
  tooMany,
} from '../stand-ins/marathon/proxy.ts';
import { sampleDeployment, sampleService } from './sample.ts';

let redis: RedisStores;
let engine: TestEngine;
let proxy: MarathonProxy;
let dataCentres: DataCentres;
let stores: Stores;
let deployer: Deployer;

beforeAll(async () => {
  [redis, engine] = await Promise.all([startRedisStores(), startTestEngine()]);
  proxy = await startMarathonProxy(engine.url);
  const timeouts = { answer: 2_000 };
  const marathon = createMarathon({ addresses: [proxy.url], timeouts, log: silent });
  dataCentres = createDataCentres({ all: [{ name: 'default', marathon }] });
  stores = redis.fresh();
  deployer = createDeployer({
    ...{ ...stores, dataCentres, install: engine.install, domain: 'apps.test', log: silent },
    ...{ isRouted: async () => true, isFree: async () => true, settling: 200 },
    exclusively: stores.locks.exclusively,
    urlOf: (address) => `http://${address}`,
  });
});
afterAll(async () => {
  await dataCentres.close();
  await proxy.stop();
  await engine.close();
  await redis.stop();
});

let count = 0;
afterEach(() => engine.api('DELETE', `/v2/apps/faulty/a${count}?force=true`));

/** Tries as often as the queue would, which gives work back that failed in a way that may pass. */
async function deploy(id: string, order: number): Promise<void> {
  const app = `/faulty/a${count}`;
  const service = sampleService({ command: WAIT, mem: 32, health: false, env: { TRY: id } });
  const wanted = sampleDeployment({ id, order, app, service, image: busybox, request: id });
  await stores.deployments.create(wanted);
  await stores.deployments.lead(wanted);
  for (let left = 8; ; left -= 1) {
    const attempt = { signal: new AbortController().signal, first: left === 8, last: left === 0 };
    try {
      await deployer.deploy(id, async () => undefined, attempt);
      return;
    } catch (error) {
      if (left === 0 || (error instanceof EkidenError && !error.retryable)) throw error;
    }
  }
}

async function expectRelease(id: string): Promise<void> {
  expect(await stores.deployments.find(id)).toMatchObject({ state: 'succeeded' });
  // The old instance gets some time to end.
  await expect
    .poll(async () => (await engine.api('GET', `/v2/apps/faulty/a${count}`)).body.app)
    .toMatchObject({ env: { TRY: id }, tasks: [{ state: 'TASK_RUNNING' }], deployments: [] });
}

const writes = /^(PUT|POST|DELETE) /;
const reads = /^GET /;
const cases: [string, RegExp, Fault, number][] = [
  ['503 to writes', writes, { kind: 'answer', status: 503 }, 3],
  ['503 to reads', reads, { kind: 'answer', status: 503 }, 5],
  ['an election', /./, noLeader, 8],
  ['a write that was taken and whose answer was lost', writes, { kind: 'lost' }, 2],
  ['a write that was taken and not answered in time', writes, { kind: 'hung' }, 1],
  ['a read that is not answered in time', reads, { kind: 'hung' }, 1],
  ['resets', /./, { kind: 'refused' }, 6],
  ['a Marathon that runs too many deployments', writes, tooMany, 5],
  [
    'a lock that is gone a moment later',
    writes,
    {
      ...{ kind: 'answer', status: 409 },
      body: { message: 'App is locked by one or more deployments.', deployments: [{ id: 'd' }] },
    },
    1,
  ],
];

describe('the end state is right after', () => {
  it.each(cases)('%s', async (_, fits, fault, times) => {
    count += 1;
    await deploy(`first${count}`, 1);
    const met = proxy.fail(fits, fault, times);
    await deploy(`second${count}`, 2);
    expect(met()).toBe(times);
    await expectRelease(`second${count}`);
  });
});

it('what Marathon refuses for good fails at once, and what ran goes on', async () => {
  count += 1;
  await deploy(`first${count}`, 1);
  const body = {
    message: 'Object is not valid',
    details: [{ path: '/cpus', errors: ['is too much'] }],
  };
  proxy.fail(writes, { kind: 'answer', status: 422, body });
  await deploy(`second${count}`, 2);
  expect(await stores.deployments.find(`second${count}`)).toMatchObject({
    state: 'failed',
    reason: expect.stringContaining('/cpus is too much'),
  });
  const { body: found } = await engine.api('GET', `/v2/apps/faulty/a${count}`);
  expect(found.app).toMatchObject({ env: { TRY: `first${count}` }, tasksRunning: 1 });
});
