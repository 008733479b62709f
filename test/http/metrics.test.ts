/** What Prometheus is told. */
import { expect, test } from 'vitest';
import type { Ekiden } from '../../src/ekiden.ts';
import { createHttpMetrics } from '../../src/http/metrics.ts';

test('of a queue that does not answer nothing is told, instead of what it said before', async () => {
  let isAway = false;
  const count = async () => (isAway ? Promise.reject(new Error('away')) : { waiting: 7 });
  const metrics = createHttpMetrics({
    queues: { build: { count } },
    dataCentreReports: { syncs: async () => [] },
  } as unknown as Ekiden);
  const told = 'ekiden_queue_jobs{queue="build",state="waiting"} 7';
  expect(await metrics.text()).toContain(told);
  isAway = true;
  expect(await metrics.text()).not.toContain('ekiden_queue_jobs{');
});

test('how old it is what balancers know of data centres', async () => {
  let isAway = false;
  const sync = (balancer: string, age?: number) => ({
    ...{ dataCentre: 'paris', balancer, isOld: false },
    ...(age === undefined ? {} : { syncedAt: Date.now() - age }),
  });
  const syncs = async () =>
    isAway ? Promise.reject(new Error('away')) : [sync('b1', 90_000), sync('b2'), sync('b3', -50)];
  const metrics = createHttpMetrics({
    queues: {},
    dataCentreReports: { syncs },
  } as unknown as Ekiden);
  const text = await metrics.text();
  const age = (balancer: string) =>
    new RegExp(`sync_age_seconds{data_centre="paris",balancer="${balancer}"} ([\\d.]+)`).exec(
      text,
    )?.[1];
  expect(Number(age('b1'))).toBeGreaterThanOrEqual(90);
  expect(age('b2')).toBeUndefined();
  expect(age('b3')).toBe('0');
  isAway = true;
  expect(await metrics.text()).not.toContain('sync_age_seconds{');
});
