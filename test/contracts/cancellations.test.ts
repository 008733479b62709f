/** Cancellations reach whoever listens, also after Redis was away. */
import { expect, onTestFinished, test } from 'vitest';
import { createCancellations } from '../../src/stores/cancellations.ts';
import { openRedis, useRedis } from '../support/redis.ts';

const redis = useRedis();

async function listen() {
  const keys = openRedis(redis);
  const cancellations = createCancellations(keys);
  const heard: string[] = [];
  const stop = await cancellations.subscribe((build, reason) => heard.push(`${build}: ${reason}`));
  onTestFinished(() => stop());
  return { ...keys, cancellations, heard, stop };
}

test('who listens hears of a cancellation, until it stops', async () => {
  const { cancellations, heard, stop } = await listen();
  await cancellations.publish('b1', 'superseded');
  await expect.poll(() => heard).toEqual(['b1: superseded']);
  await stop();
  const second = await listen();
  await cancellations.publish('b2', 'superseded');
  await second.cancellations.publish('b3', 'of another installation');
  await expect.poll(() => second.heard).toEqual(['b3: of another installation']);
  expect(heard).toEqual(['b1: superseded']);
});

test.each(['no json', 'null', '{"build":1}', ''])(
  'the message %j harms nobody',
  async (message) => {
    const { redis: connection, prefix, cancellations, heard } = await listen();
    await connection.publish(`${prefix}:cancellations`, message);
    await cancellations.publish('b1', 'superseded');
    await expect.poll(() => heard).toEqual(['b1: superseded']);
  },
);

test('the listener comes back with Redis', async () => {
  const { cancellations, heard } = await listen();
  await redis.stop();
  await redis.start();
  await expect
    .poll(async () => {
      await cancellations.publish('b1', 'superseded');
      return heard.length;
    })
    .toBeGreaterThan(0);
});
