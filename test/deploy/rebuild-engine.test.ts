/** Redis is lost while three releases were deployed to the real engine: they are known again, and one comes back. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDataCentres } from '../../src/clients/data-centres.ts';
import { createMarathon } from '../../src/clients/marathon.ts';
import type { Deployment } from '../../src/core/deployment.ts';
import { silent } from '../../src/core/log.ts';
import { createDeployer } from '../../src/deploy/deployer.ts';
import { createOperations } from '../../src/deploy/operations/operations.ts';
import { ensureNumbered } from '../../src/deploy/releases/rebuild.ts';
import { createServices } from '../../src/deploy/services/services.ts';
import { busybox, startTestEngine, type TestEngine, WAIT } from '../engine/harness.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';
import { app } from './rig.ts';
import { sampleDeployment, sampleService } from './sample.ts';

const asked = { project: 7, environment: 'production', by: 'ada' };

let redis: RedisStores;
let engine: TestEngine;

beforeAll(async () => {
  [redis, engine] = await Promise.all([startRedisStores(), startTestEngine()]);
});
afterAll(async () => {
  await engine.close();
  await redis.stop();
});

/** Ekiden with a Redis that knows nothing. */
function open() {
  const stores = redis.fresh();
  const { exclusively } = stores.locks;
  const marathon = createMarathon({ addresses: [engine.url], log: silent });
  const dataCentres = createDataCentres({ all: [{ name: 'default', marathon }] });
  const urlOf = (address: string) => `http://${address}`;
  const parts = {
    ...stores,
    dataCentres,
    install: engine.install,
    exclusively,
    urlOf,
    log: silent,
  };
  const deployer = createDeployer({
    ...{ ...parts, domain: 'apps.test' },
    ...{ isRouted: async () => true, isFree: async () => true },
  });
  // GitLab shows that the first release succeeded, and nothing of the second.
  const toldOf = async ({ number }: { number: number }) =>
    number === 1 ? ('good' as const) : undefined;
  const operations = createOperations({
    ...{ ...parts, maxInstances: 10, isFree: async () => true, lastRequests: 0 },
    services: createServices({ ...parts, routed: async () => [] }),
    handOn: async () => undefined,
    ensureNumbered: (where) => ensureNumbered({ ...parts, toldOf }, where),
    cancelBuilds: async () => undefined,
    endJobs: async () => undefined,
  });
  async function work(deployments: Deployment[]): Promise<void> {
    const attempt = { signal: new AbortController().signal, first: true, last: true };
    for (const { id } of deployments) await deployer.deploy(id, async () => undefined, attempt);
  }
  return { stores, operations, work, close: () => marathon.close() };
}

const service = (text: string) =>
  sampleService({
    command: `mkdir /www; echo ${text} > /www/index.html; httpd -p 8080 -h /www; ${WAIT}`,
    ...{ mem: 32, env: { TEXT: text } },
    health: { interval: 1, timeout: 2, grace: 30, failures: 3 },
  });

async function newestAnswer(): Promise<string> {
  const task = (await engine.tasks(app)).at(-1);
  return (await (await fetch(`http://${task.host}:${task.ports[0]}/`)).text()).trim();
}

it('one goes back to a release of before, and numbers go on', async () => {
  const first = open();
  for (const [index, id] of ['one', 'two', 'three'].entries()) {
    const wanted = { id, order: index + 1, image: busybox, service: service(id) };
    const deployment = await first.stores.deployments.create(sampleDeployment(wanted));
    await first.stores.deployments.lead(deployment);
    await first.work([deployment]);
  }
  const before = await first.stores.releases.find(app, 1);
  await first.close();

  const { stores, operations, work, close } = open();
  const made = await operations.rollback({ ...asked, release: 1 });
  const kept = await stores.releases.list(app);
  expect(kept.map(({ release, standing }) => [release.number, standing.state])).toEqual([
    [3, 'good'],
    [2, 'trying'],
    [1, 'good'],
  ]);
  // Weights are no label, since they change without a restart.
  const { definition: _, weights: __, ...facts } = before ?? {};
  expect(kept.at(-1)?.release).toMatchObject(facts);
  await work(made);
  expect(await stores.deployments.find(made[0]?.id ?? '')).toMatchObject({ state: 'succeeded' });
  expect(await newestAnswer()).toBe('one');
  expect(await stores.releases.number(asked, 'the next push')).toBe(4);
  await close();
});
