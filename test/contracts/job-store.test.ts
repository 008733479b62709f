/** What a JobStore and a ScheduleStore must do. */
import { expect, test } from 'vitest';
import type { DueWork } from '../../src/core/job.ts';
import { silent } from '../../src/core/log.ts';
import { createJobStore } from '../../src/stores/jobs.ts';
import { createQueue, openBull } from '../../src/stores/queue.ts';
import { createScheduleStore } from '../../src/stores/schedules.ts';
import { openRedis, useRedis } from '../support/redis.ts';
import { sampleJob } from '../support/samples.ts';

const redis = useRedis();

test('keeps a job as it was given, once, and its changes', async () => {
  const jobs = createJobStore(openRedis(redis));
  const job = sampleJob({ command: ['a', 'b'] });
  expect(await jobs.create(job)).toEqual(job);
  expect(await jobs.create(sampleJob({ command: 'other' }))).toEqual(job);
  expect(await jobs.update('j1', { exitCode: 0 })).toEqual({ ...job, exitCode: 0 });
  expect(await jobs.find('j2')).toBeUndefined();
});

test('a job ends once, and is then no longer active', async () => {
  const jobs = createJobStore(openRedis(redis));
  for (const id of ['j1', 'j2']) await jobs.create(sampleJob({ id }));
  await jobs.create(sampleJob({ id: 'j3', state: 'skipped' }));
  const ends = await Promise.all(Array.from({ length: 9 }, () => jobs.end('j1', 'failed', 'x')));
  expect(ends.filter(Boolean)).toHaveLength(1);
  expect(await jobs.find('j1')).toMatchObject({ state: 'failed', reason: 'x' });
  expect(await jobs.active()).toEqual(['j2']);
});

test('lists those of a project and of an environment, newest first', async () => {
  const jobs = createJobStore(openRedis(redis));
  const environments = ['production', 'staging', 'production'];
  for (const [index, environment] of environments.entries()) {
    await jobs.create(sampleJob({ id: `j${index}`, environment, createdAt: index }));
  }
  await jobs.create(sampleJob({ id: 'other', project: 8 }));
  const ids = async (wanted: { limit: number; environment?: string; cursor?: string }) =>
    (await jobs.list(7, wanted)).items.map(({ id }) => id);
  expect(await ids({ limit: 9 })).toEqual(['j2', 'j1', 'j0']);
  expect(await ids({ limit: 1, environment: 'production' })).toEqual(['j2']);
  expect(await ids({ limit: 1, environment: 'production', cursor: 'j2' })).toEqual(['j0']);
});

test('keeps schedules of an app, and when each is due next', async () => {
  const { redis: connection, prefix } = openRedis(redis);
  const queuePrefix = `${prefix}:queue`;
  const options = { redis: connection, prefix, queuePrefix, attempts: 3, log: silent };
  const schedules = createScheduleStore(options);
  const app = '/shop/cart/production/web';
  const nightly = {
    ...{ project: 7, environment: 'production', app },
    job: {
      ...{ name: 'nightly', schedule: '0 3 * * *', timezone: 'UTC', command: './clean' },
      ...{ service: 'web', timeout: 60 },
    },
  };
  const due = () => connection.zrange(`${queuePrefix}:due:repeat`, '0', '-1', 'WITHSCORES');
  await schedules.save(nightly);
  const first = await due();
  const next = new Date(Number(first[1]));
  expect([first.length, next.getUTCHours(), next.getUTCMinutes()]).toEqual([2, 3, 0]);
  const changed = { ...nightly, job: { ...nightly.job, command: './other' } };
  await schedules.save(changed);
  expect(await due()).toEqual(first);
  // As if its time had come.
  const bull = openBull({ ...options, name: 'due', prefix: queuePrefix });
  const queue = createQueue<DueWork>({ ...options, name: 'due', prefix: queuePrefix });
  const seen: [DueWork, string | undefined][] = [];
  const worker = queue.work(async (work, { id }) => void seen.push([work, id]), { concurrency: 1 });
  await (await bull.getDelayed())[0]?.promote();
  await expect.poll(() => seen).toEqual([[{ app, name: 'nightly' }, expect.any(String)]]);
  await worker.stop();
  await Promise.all([bull.close(), queue.close()]);
  const tokyo = { ...changed, job: { ...changed.job, timezone: 'Asia/Tokyo' } };
  await schedules.save(tokyo);
  expect(await due()).not.toEqual(first);
  expect(await schedules.list(app)).toEqual([tokyo]);
  expect(await schedules.find(app, 'nightly')).toEqual(tokyo);
  await schedules.remove(app, 'nightly');
  expect(await schedules.list(app)).toEqual([]);
  expect(await due()).toEqual([]);
  await schedules.close();
});
