/** Which balancers send requests where, as deployments ask it. */
import { expect, test } from 'vitest';
import { createBalancers } from '../../src/stores/balancers.ts';
import { openRedis, useRedis } from '../support/redis.ts';

const redis = useRedis();
const app = '/shop/production/web';

test('without a balancer nobody has to be waited for', async () => {
  expect(await createBalancers(openRedis(redis)).isRouted(app, ['i1'])).toBe(true);
});

test('an app is routed once every balancer has all of its instances', async () => {
  const balancers = createBalancers(openRedis(redis));
  await balancers.report('one', [{ app, instances: ['i1', 'i2', 'i3'] }]);
  expect(await balancers.isRouted(app, ['i1', 'i2'])).toBe(true);
  expect(await balancers.isRouted(app, ['i1', 'i4'])).toBe(false);
  await balancers.report('two', [{ app, instances: ['i1'] }]);
  expect(await balancers.isRouted(app, ['i1', 'i2'])).toBe(false);
  await balancers.report('two', [{ app, instances: ['i2', 'i1'] }]);
  expect(await balancers.isRouted(app, ['i1', 'i2'])).toBe(true);
});

test('an app that a balancer does not know is not routed there', async () => {
  const balancers = createBalancers(openRedis(redis));
  await balancers.report('one', [{ app: '/other', instances: ['i1'] }]);
  expect(await balancers.isRouted(app, ['i1'])).toBe(false);
  expect(await balancers.isRouted(app, [])).toBe(true);
});

test('a report replaces the one before, an empty one is only a sign of life', async () => {
  const balancers = createBalancers(openRedis(redis));
  await balancers.report('one', [{ app, instances: ['i1'] }]);
  await balancers.report('one', []);
  expect(await balancers.isRouted(app, ['i1'])).toBe(true);
  await balancers.report('one', [{ app: '/other', instances: ['i2'] }]);
  expect(await balancers.isRouted(app, ['i1'])).toBe(false);
});

test('a balancer that left or fell silent does not count', async () => {
  const { redis: connection, prefix } = openRedis(redis);
  const balancers = createBalancers({ redis: connection, prefix });
  await balancers.report('one', [{ app, instances: ['i1'] }]);
  await balancers.report('two', []);
  await balancers.report('three', []);
  expect(await balancers.isRouted(app, ['i1'])).toBe(false);
  await balancers.leave('two');
  expect(await balancers.isRouted(app, ['i1'])).toBe(false);
  expect(await connection.ttl(`${prefix}:balancer:three`)).toBeGreaterThan(0);
  await connection.del(`${prefix}:balancer:three`);
  expect(await balancers.isRouted(app, ['i1'])).toBe(true);
});

test('instances are free once no balancer sends requests to any of them', async () => {
  const balancers = createBalancers(openRedis(redis));
  expect(await balancers.isFree(app, ['i1'])).toBe(true);
  await balancers.report('one', [{ app, instances: ['i1', 'i2'] }]);
  await balancers.report('two', [{ app, instances: ['i2'] }]);
  expect(await balancers.isFree(app, ['i1', 'i3'])).toBe(false);
  await balancers.report('one', [{ app, instances: ['i2'] }]);
  expect(await balancers.isFree(app, ['i1', 'i3'])).toBe(true);
});

test('a balancer that sends no requests to a data centre is not waited for there', async () => {
  const balancers = createBalancers(openRedis(redis));
  const of = (...dataCentres: string[]) => ({ dataCentres, syncs: [] });
  await balancers.report('p', [{ app, instances: ['p1'] }], of('paris'));
  await balancers.report('o', [{ app, instances: ['o1'] }], of('oslo'));
  await balancers.report('both', [{ app, instances: ['o1', 'p1'] }], of('paris', 'oslo'));
  expect(await balancers.isRouted(app, ['p1'], 'paris')).toBe(true);
  expect(await balancers.isRouted(app, ['p1'], 'oslo')).toBe(false);
  expect(await balancers.isRouted(app, ['p1'])).toBe(false);
  expect(await balancers.routed(app, 'oslo')).toEqual(['o1']);
  expect((await balancers.following()).map(({ balancer }) => balancer)).toEqual(['both', 'o', 'p']);
  // What it follows stays known over a report that is only a sign of life.
  await balancers.report('o', []);
  expect(await balancers.routed(app, 'oslo')).toEqual(['o1']);
});
