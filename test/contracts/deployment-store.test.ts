/** What every DeploymentStore must do. */
import { describe, expect, test } from 'vitest';
import { createDeploymentStore } from '../../src/stores/deployments.ts';
import { createFakeDeploymentStore } from '../fakes/records.ts';
import { openRedis, useRedis } from '../support/redis.ts';
import { sampleDeployment } from '../support/samples.ts';

const redis = useRedis();
const { app } = sampleDeployment();

describe.each([
  ['redis', () => createDeploymentStore(openRedis(redis))],
  ['fake', createFakeDeploymentStore],
])('%s', (_, open) => {
  test('keeps a deployment as it was given, and its changes', async () => {
    const deployments = open();
    const deployment = sampleDeployment({ marathon: { version: 'v', deployment: 'm' } });
    expect(await deployments.create(deployment)).toEqual(deployment);
    expect(await deployments.create(sampleDeployment({ order: 9 }))).toEqual(deployment);
    expect(await deployments.update('d1', { release: 4 })).toEqual({ ...deployment, release: 4 });
    expect(await deployments.find('d1')).toEqual({ ...deployment, release: 4 });
  });

  test('a deployment ends once', async () => {
    const deployments = open();
    await deployments.create(sampleDeployment({ state: 'running' }));
    const ends = await Promise.all(
      Array.from({ length: 20 }, () => deployments.end('d1', 'failed', 'never healthy')),
    );
    expect(ends.filter(Boolean)).toHaveLength(1);
    expect(await deployments.end('d1', 'succeeded')).toBe(false);
    expect(await deployments.find('d1')).toMatchObject({
      state: 'failed',
      reason: 'never healthy',
    });
  });

  test('an app without a deployment follows none', async () => {
    expect(await open().leader(app)).toBeUndefined();
  });

  test.each([
    ['a newer commit takes over', [1, 2], 'd2'],
    ['the same commit again takes over', [2, 2], 'd2'],
    ['an older commit does not', [3, 2], 'd1'],
    ['nor does one that is older than all', [1, 5, 4], 'd2'],
  ])('%s', async (_, orders, leader) => {
    const deployments = open();
    let answer = '';
    for (const [index, order] of orders.entries()) {
      answer = await deployments.lead(sampleDeployment({ id: `d${index + 1}`, order }));
    }
    expect(answer).toBe(leader);
    expect(await deployments.leader(app)).toBe(leader);
  });

  test('of many at once the newest leads', async () => {
    const deployments = open();
    const orders = [4, 9, 1, 7, 3, 8, 2, 6, 5, 10, 0];
    await Promise.all(
      orders.map((order) => deployments.lead(sampleDeployment({ id: `d${order}`, order }))),
    );
    expect(await deployments.leader(app)).toBe('d10');
  });

  test('apps are led one by one', async () => {
    const deployments = open();
    await deployments.lead(sampleDeployment({ id: 'd1', order: 5 }));
    await deployments.lead(sampleDeployment({ id: 'd2', order: 1, app: '/other' }));
    expect(await deployments.leader(app)).toBe('d1');
    expect(await deployments.leader('/other')).toBe('d2');
  });

  test('an app that is gone follows nothing, and nothing old brings it back', async () => {
    const deployments = open();
    await deployments.lead(sampleDeployment({ id: 'd5', order: 5 }));
    await deployments.forget(app);
    expect(await deployments.leader(app)).toBeUndefined();
    expect(await deployments.lead(sampleDeployment({ id: 'd4', order: 4 }))).toBe('');
    expect(await deployments.leader(app)).toBeUndefined();
    expect(await deployments.lead(sampleDeployment({ id: 'd6', order: 6 }))).toBe('d6');
    await deployments.forget('/never-seen');
  });
});
