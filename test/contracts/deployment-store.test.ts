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

  test('what is held says why, until it is let go', async () => {
    const deployments = open();
    await deployments.create(sampleDeployment({ state: 'held', reason: 'frozen' }));
    expect(await deployments.hold('d1', 'switched off')).toBe(true);
    expect(await deployments.find('d1')).toMatchObject({ state: 'held', reason: 'switched off' });
    await deployments.release('d1');
    expect(await deployments.hold('d1', 'frozen')).toBe(false);
    expect(await deployments.find('d1')).toEqual(sampleDeployment());
  });

  test('tells which have not ended, also of those that took over', async () => {
    const deployments = open();
    for (const id of ['d1', 'd2']) await deployments.create(sampleDeployment({ id }));
    await deployments.takeOver(sampleDeployment({ id: 'd3' }));
    await deployments.end('d1', 'succeeded');
    expect((await deployments.active()).toSorted()).toEqual(['d2', 'd3']);
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

  test('what a person asked for leads, whatever its commit, until a newer one is pushed', async () => {
    const deployments = open();
    await deployments.lead(sampleDeployment({ id: 'd5', order: 5 }));
    const back = sampleDeployment({ id: 'back', kind: 'rollback', order: 0 });
    const taken = await deployments.takeOver(back);
    expect(taken).toEqual({ deployment: { ...back, order: 5 }, previous: 'd5' });
    expect(await deployments.find('back')).toEqual({ ...back, order: 5 });
    expect(await deployments.leader(app)).toBe('back');
    expect(await deployments.lead(sampleDeployment({ id: 'd4', order: 4 }))).toBe('back');
    expect(await deployments.lead(sampleDeployment({ id: 'd5', order: 5 }))).toBe('back');
    const again = await deployments.takeOver({ ...back, id: 'again' });
    expect(again.previous).toBe('back');
    expect(await deployments.lead(sampleDeployment({ id: 'd6', order: 6 }))).toBe('d6');
    expect(await deployments.lead(sampleDeployment({ id: 'd6', order: 6 }))).toBe('d6');
  });

  test('what a person asked for of a newer commit keeps older ones out', async () => {
    const deployments = open();
    const { deployment, previous } = await deployments.takeOver(sampleDeployment({ order: 9 }));
    expect([deployment.order, previous]).toEqual([9, undefined]);
    expect(await deployments.lead(sampleDeployment({ id: 'd8', order: 8 }))).toBe('d1');
  });

  test('of several who ask at once each knows whom it replaced', async () => {
    const deployments = open();
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const taken = await Promise.all(
      ids.map((id) => deployments.takeOver(sampleDeployment({ id }))),
    );
    const leader = await deployments.leader(app);
    const replaced = taken.map(({ previous }) => previous);
    expect(new Set([...replaced, leader])).toEqual(new Set([undefined, ...ids]));
    await expect(deployments.takeOver(sampleDeployment({ id: 'a' }))).rejects.toThrow('already');
  });

  test('lists those of a project or an environment, newest first, page by page', async () => {
    const deployments = open();
    for (const [index, environment] of ['production', 'review/x', 'production'].entries()) {
      const change = { id: `d${index}`, environment, createdAt: index };
      await deployments.create(sampleDeployment(change));
    }
    await deployments.takeOver(sampleDeployment({ id: 'd3', createdAt: 3 }));
    await deployments.create(sampleDeployment({ id: 'other', project: 8 }));
    const list = async (paging: { limit: number; cursor?: string; environment?: string }) => {
      const { items, next } = await deployments.list(7, paging);
      return [items.map(({ id }) => id).join(' '), next];
    };
    expect(await list({ limit: 9 })).toEqual(['d3 d2 d1 d0', undefined]);
    expect(await list({ limit: 3 })).toEqual(['d3 d2 d1', 'd1']);
    expect(await list({ limit: 3, cursor: 'd1' })).toEqual(['d0', undefined]);
    expect(await list({ limit: 9, environment: 'production' })).toEqual(['d3 d2 d0', undefined]);
    expect(await list({ limit: 9, environment: 'review/x' })).toEqual(['d1', undefined]);
    expect(await list({ limit: 9, environment: 'staging' })).toEqual(['', undefined]);
  });

  test('an app that is gone follows nothing, and nothing old brings it back', async () => {
    const deployments = open();
    await deployments.lead(sampleDeployment({ id: 'd5', order: 5 }));
    await deployments.forget(app);
    expect(await deployments.leader(app)).toBeUndefined();
    expect(await deployments.lead(sampleDeployment({ id: 'd4', order: 4 }))).toBe('');
    expect(await deployments.lead(sampleDeployment({ id: 'd5', order: 5 }))).toBe('');
    expect(await deployments.leader(app)).toBeUndefined();
    expect(await deployments.lead(sampleDeployment({ id: 'd6', order: 6 }))).toBe('d6');
    await deployments.forget('/never-seen');
  });
});
