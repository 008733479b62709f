/** What Prometheus is told. */
import { expect, test } from 'vitest';
import type { Ekiden } from '../../src/ekiden.ts';
import { createHttpMetrics } from '../../src/http/metrics.ts';

test('of a queue that does not answer nothing is told, instead of what it said before', async () => {
  let isAway = false;
  const count = async () => (isAway ? Promise.reject(new Error('away')) : { waiting: 7 });
  const metrics = createHttpMetrics({ queues: { build: { count } } } as unknown as Ekiden);
  const told = 'ekiden_queue_jobs{queue="build",state="waiting"} 7';
  expect(await metrics.text()).toContain(told);
  isAway = true;
  expect(await metrics.text()).not.toContain('ekiden_queue_jobs{');
});
