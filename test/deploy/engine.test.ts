/** Services and what people do to them, against the real engine and its containers. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createDataCentres } from '../../src/clients/data-centres.ts';
import { createMarathon, type Marathon } from '../../src/clients/marathon.ts';
import type { Deployment } from '../../src/core/deployment.ts';
import { silent } from '../../src/core/log.ts';
import { createDeployer, type Deployer } from '../../src/deploy/deployer.ts';
import { drainsItself } from '../../src/deploy/operations/draining.ts';
import { createOperations, type Operations } from '../../src/deploy/operations/operations.ts';
import { createServices, type Services } from '../../src/deploy/services/services.ts';
import type { Stores } from '../../src/stores/index.ts';
import { busybox, startTestEngine, type TestEngine, WAIT } from '../engine/harness.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';
import { app } from './rig.ts';
import { sampleDeployment, sampleService } from './sample.ts';

const web = { project: 7, environment: 'production', service: 'web' };
const asked = { project: 7, environment: 'production', by: 'ada' };

let redis: RedisStores;
let engine: TestEngine;
let marathon: Marathon;
let stores: Stores;
let deployer: Deployer;
let services: Services;
let operations: Operations;

beforeAll(async () => {
  [redis, engine] = await Promise.all([startRedisStores(), startTestEngine()]);
  marathon = createMarathon({ addresses: [engine.url], log: silent });
  stores = redis.fresh();
  const { exclusively } = stores.locks;
  const urlOf = (address: string) => `http://${address}`;
  const dataCentres = createDataCentres({ all: [{ name: 'default', marathon }] });
  const parts = {
    ...{ ...stores, marathon, dataCentres, install: engine.install },
    ...{ exclusively, urlOf, log: silent },
  };
  const balancers = { isRouted: async () => true, isFree: async () => true };
  deployer = createDeployer({ ...parts, ...balancers, domain: 'apps.test' });
  services = createServices({ ...parts, routed: async () => [] });
  operations = createOperations({
    ...{ ...parts, ...balancers, services, maxInstances: 10, lastRequests: 0 },
    handOn: async () => undefined,
    ensureNumbered: async () => undefined,
    cancelBuilds: async () => undefined,
  });
});
afterAll(async () => {
  await marathon.close();
  await engine.close();
  await redis.stop();
});

const health = { interval: 1, timeout: 2, grace: 30, failures: 3 };
/** Ends as soon as it is asked to, which a server that is process 1 does not. */
const command = (text: string) =>
  `mkdir /www; echo ${text} > /www/index.html; httpd -p 8080 -h /www; ${WAIT}`;
const service = (text: string) =>
  sampleService({ command: command(text), mem: 32, health, env: { TEXT: text } });

async function push(id: string, order: number, change: Partial<Deployment> = {}) {
  const wanted = { id, order, image: busybox, service: service(id), ...change };
  const deployment = await stores.deployments.create(sampleDeployment(wanted));
  await stores.deployments.lead(deployment);
  await work([deployment]);
}

async function work(deployments: Deployment[]): Promise<void> {
  const attempt = { signal: new AbortController().signal, first: true, last: true };
  for (const { id } of deployments) await deployer.deploy(id, async () => undefined, attempt);
}

/** What the newest instance says. */
async function answer(): Promise<string> {
  const task = (await engine.tasks(app)).at(-1);
  return (await (await fetch(`http://${task.host}:${task.ports[0]}/`)).text()).trim();
}

const healthNow = async () => (await services.find(web))?.health;
const patience = { timeout: 15_000 };

describe('what runs', () => {
  it('is told as it is, with names of variables and no values', async () => {
    await push('one', 1);
    const found = await services.find(web);
    expect(found).toMatchObject({
      ...{ ...web, app, health: 'healthy', isDeploying: false, cpus: 0.1, mem: 32 },
      release: { number: 1, image: busybox },
      instances: { wanted: 1, waiting: 0, starting: 0, healthy: 1, unhealthy: 0, stopping: 0 },
      addresses: ['http://shop-cart.apps.test'],
      variables: ['LOG_DIR', 'TEXT'],
      list: [{ state: 'healthy', isRouted: false, ports: [expect.any(Number)] }],
    });
    expect(JSON.stringify(found)).not.toContain('"one"');
    const { list: _, ...status } = found ?? { list: [] };
    expect(await services.ofProject(7)).toEqual([status]);
    expect(await services.ofProject(8)).toEqual([]);
    expect(await services.find({ ...web, environment: 'staging' })).toBeUndefined();
  });

  it('is scaled up and down to nothing, and comes back', async () => {
    const status = await operations.scale(web, { instances: 2, by: 'ada' });
    expect(status).toMatchObject({ health: 'deploying', scale: { instances: 2, by: 'ada' } });
    await expect.poll(healthNow, patience).toBe('healthy');
    expect(await engine.tasks(app)).toHaveLength(2);
    await operations.scale(web, { instances: 0, by: 'ada' });
    await expect.poll(healthNow, patience).toBe('stopped');
    await operations.scale(web, { instances: 1, by: 'ada' });
    await expect.poll(healthNow, patience).toBe('healthy');
  });

  it('is restarted without a gap, and refuses a scale meanwhile', async () => {
    const [before] = await engine.tasks(app);
    expect(await operations.restart(web, 'ada')).toMatchObject({ health: 'deploying' });
    await expect(operations.scale(web, { instances: 2, by: 'ada' })).rejects.toMatchObject({
      ...{ code: 'E_DEPLOYING', message: 'web in production is being deployed just now.' },
    });
    const seen: (number | undefined)[] = [];
    await expect
      .poll(async () => {
        const found = await services.find(web);
        seen.push(found?.instances.healthy);
        return found?.isDeploying;
      }, patience)
      .toBe(false);
    expect(Math.min(...seen.map((count) => count ?? 0))).toBeGreaterThanOrEqual(1);
    const [after] = await engine.tasks(app);
    expect(after.id).not.toBe(before.id);
  });

  it('goes back to the release before, and from there to what is pushed next', async () => {
    await push('two', 2);
    expect(await answer()).toBe('two');
    await work(await operations.rollback(asked));
    expect(await answer()).toBe('one');
    // The instances of before serve on for a moment, and until then it is being deployed.
    await expect
      .poll(() => services.find(web), { timeout: 20_000 })
      .toMatchObject({ release: { number: 1 }, health: 'healthy' });
    await push('three', 3);
    expect(await answer()).toBe('three');
  });

  it('says why a definition that somebody sent does not come up', async () => {
    await marathon.putApp({ ...(await definition()), cmd: 'exit 7' }, { force: true });
    await expect
      .poll(async () => (await services.find(web))?.reason, patience)
      .toMatch(/^0 of 1 new instances are healthy, 1 of before serve: .*7/);
  });

  it('is taken down', async () => {
    expect(await operations.remove({ project: 7, by: 'ada' })).toEqual([app]);
    await expect.poll(() => services.ofProject(7), patience).toEqual([]);
  });
});

async function definition(): Promise<{ id: string }> {
  const { body } = await engine.api('GET', `/v2/apps${app}`);
  const { id, labels, container, networks, healthChecks, mem, cpus } = body.app;
  return { id, labels, container, networks, healthChecks, mem, cpus } as { id: string };
}

it.each([
  ['drains', 0.1, true],
  ['ends them at once, as a real Marathon does', 0, false],
])('knows of an engine that it %s', async (_, drainSeconds, expected) => {
  const other = await startTestEngine({ drainSeconds });
  const client = createMarathon({ addresses: [other.url], log: silent });
  onTestFinished(async () => {
    await client.close();
    await other.close();
  });
  expect(await drainsItself(client)).toBe(expected);
});
