/** What every Leases must do: of several that could, one leads. */
import { expect, onTestFinished, test } from 'vitest';
import { createLeases } from '../../src/stores/leases.ts';
import { openRedis, useRedis } from '../support/redis.ts';

const redis = useRedis();

function setUp() {
  const options = openRedis(redis);
  const leading: string[] = [];
  const start = (name: string) => {
    const stopping = new AbortController();
    const work = async (signal: AbortSignal) => {
      leading.push(name);
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      leading.splice(leading.indexOf(name), 1);
    };
    const done = createLeases({ ...options, hold: 300 }).lead('x', work, stopping.signal);
    const stop = async () => {
      stopping.abort();
      await done;
    };
    onTestFinished(stop);
    return stop;
  };
  return { options, leading, start };
}

test('one leads, and the next one once it stops', async () => {
  const { options, leading, start } = setUp();
  const stopFirst = start('first');
  await expect.poll(() => leading).toEqual(['first']);
  const stopSecond = start('second');
  await stopFirst();
  await expect.poll(() => leading).toEqual(['second']);
  await stopSecond();
  expect(leading).toEqual([]);
  expect(await options.redis.exists(`${options.prefix}:lease:x`)).toBe(0);
});

test('a lead that another one took is given up', async () => {
  const { options, leading, start } = setUp();
  start('first');
  await expect.poll(() => leading).toEqual(['first']);
  await options.redis.set(`${options.prefix}:lease:x`, 'somebody else', 'PX', 60_000);
  await expect.poll(() => leading).toEqual([]);
});
