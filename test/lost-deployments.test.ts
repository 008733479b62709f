/** Deployments that whoever asked for them did not live to bring into the queue. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { JourneyEvent } from '../src/core/event.ts';
import { silent } from '../src/core/log.ts';
import { createLostDeployments } from '../src/lost-deployments.ts';
import { type RedisStores, startRedisStores } from './fakes/redis-stores.ts';
import { sampleDeployment } from './support/samples.ts';

const patience = { timeout: 25_000, interval: 20 };

let redis: RedisStores;
beforeAll(async () => {
  redis = await startRedisStores();
});
afterAll(() => redis.stop());

function open() {
  const stores = redis.fresh();
  const told: JourneyEvent[] = [];
  const { keepQueued } = createLostDeployments({ stores, every: 20, log: silent });
  const keep = () => onTestFinished(keepQueued(async (event) => void told.push(event)));
  return { ...{ stores, told, keep }, deploy: stores.queues.deploy };
}

test('come into it, once', async () => {
  const { stores, deploy, keep, told } = open();
  await stores.deployments.takeOver(sampleDeployment({ id: 'd1' }));
  await stores.deployments.create(sampleDeployment({ id: 'd2', state: 'failed' }));
  keep();
  await expect.poll(async () => (await deploy.line()).waiting, patience).toEqual(['d1']);
  const begun: string[] = [];
  const worker = deploy.work(
    async ({ deployment }) => {
      begun.push(deployment);
      await stores.deployments.end(deployment, 'succeeded');
    },
    { concurrency: 1 },
  );
  onTestFinished(() => worker.stop());
  await expect.poll(() => stores.deployments.active(), patience).toEqual([]);
  expect([begun, told]).toEqual([['d1'], []]);
});

test('end with that reason where the queue has done with them', async () => {
  const { stores, deploy, keep, told } = open();
  await stores.deployments.create(sampleDeployment({ id: 'd1' }));
  const worker = deploy.work(async () => undefined, { concurrency: 1 });
  onTestFinished(() => worker.stop());
  await deploy.add({ deployment: 'd1' }, { id: 'd1' });
  keep();
  await expect
    .poll(() => told, patience)
    .toEqual([{ type: 'deployment.failed', deployment: 'd1' }]);
  expect(await stores.deployments.find('d1')).toMatchObject({
    state: 'failed',
    reason: 'the queue of deployments has lost it: deploy again',
  });
});

test('what is held says why, also when a freeze ended by itself', async () => {
  const { stores, keep } = open();
  const freeze = { reason: 'the sale goes on', by: 'ada', at: 1, until: 2 };
  const { project, environment } = sampleDeployment();
  await stores.environmentSettings.save(project, environment, { autoDeploy: false, freeze });
  const held = { state: 'held', reason: `${environment} is frozen by ada` } as const;
  await stores.deployments.create(sampleDeployment({ id: 'd1', ...held }));
  keep();
  await expect
    .poll(async () => (await stores.deployments.find('d1'))?.reason, patience)
    .toBe(`deploying to ${environment} by itself is switched off`);
});
