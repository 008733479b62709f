/** Rolling on an engine that ends instances at once, with room for two more than there are: containers and Marathon's own deployments. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDataCentres } from '../../src/clients/data-centres.ts';
import { createMarathon, type Marathon } from '../../src/clients/marathon.ts';
import { silent } from '../../src/core/log.ts';
import { createDeployer } from '../../src/deploy/deployer.ts';
import type { Stores } from '../../src/stores/index.ts';
import {
  busybox,
  containersOf,
  exec,
  startTestEngine,
  type TestEngine,
  WAIT,
} from '../engine/harness.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';
import { app } from './rig.ts';
import { sampleDeployment, sampleService } from './sample.ts';

let redis: RedisStores;
let engine: TestEngine;
let marathon: Marathon;
let stores: Stores;

beforeAll(async () => {
  [redis, engine] = await Promise.all([
    startRedisStores(),
    startTestEngine({ drainSeconds: 0, cpus: 0.6 }),
  ]);
  marathon = createMarathon({ addresses: [engine.url], log: silent });
  stores = redis.fresh();
});
afterAll(async () => {
  await marathon.close();
  await engine.close();
  await redis.stop();
});

const alt = `${app}.alt`;
const health = { interval: 1, timeout: 2, grace: 30, failures: 3 };
const serving = `mkdir /www; httpd -p 8080 -h /www; ${WAIT}`;
/** Listens once it is told to. */
const waiting = `while [ ! -e /go ]; do sleep 0.1; done; ${serving}`;

async function deploy(order: number, command: string, deadline: number) {
  const service = sampleService({ command, instances: 4, cpus: 0.1, mem: 32, health });
  const id = `d${order}`;
  const sha = id.repeat(20);
  const given = { id, order, sha, image: busybox, service, deadline };
  const deployment = await stores.deployments.create(sampleDeployment(given));
  await stores.deployments.lead(deployment);
  const deployer = createDeployer({
    ...{ ...stores, dataCentres: createDataCentres({ all: [{ name: 'default', marathon }] }) },
    ...{ install: engine.install, domain: 'apps.test', log: silent, lastRequests: 0 },
    exclusively: stores.locks.exclusively,
    isRouted: async () => true,
    isFree: async () => true,
    urlOf: (address) => `http://${address}`,
  });
  const attempt = { signal: new AbortController().signal, first: true, last: true };
  await deployer.deploy(id, async () => undefined, attempt);
  return (await stores.deployments.find(id))?.state;
}

const shown = async (id: string) => {
  const found = await marathon.app(id);
  return found && [found.labels['ekiden.release'], found.instances, found.tasks.length];
};

const tasksOf = async (id: string) =>
  ((await marathon.app(id))?.tasks ?? []).flatMap(({ id: task, state }) =>
    state === 'TASK_RUNNING' ? [task] : [],
  );

async function tellToListen(tasks: string[]): Promise<void> {
  for (const task of tasks) {
    const [container] = await containersOf(task);
    await exec(container, ['touch', '/go']);
  }
}

it('goes on in little room, and comes back whole from what gets only half way', async () => {
  expect(await deploy(1, serving, 60)).toBe('succeeded');
  expect(await deploy(2, serving, 60)).toBe('succeeded');
  expect([await shown(app), await shown(alt)]).toEqual([undefined, ['2', 4, 4]]);

  const deploying = deploy(3, waiting, 15);
  await expect.poll(() => tasksOf(app)).toHaveLength(2);
  await tellToListen(await tasksOf(app));
  await expect.poll(() => tasksOf(app)).toHaveLength(4);
  expect(await shown(alt)).toEqual(['2', 2, 2]);
  expect(await deploying).toBe('failed');
  expect([await shown(app), await shown(alt)]).toEqual([undefined, ['2', 4, 4]]);
  await expect.poll(() => marathon.deployments()).toEqual([]);
});
