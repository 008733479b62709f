/** Locks: one at a time for each name, whatever happens to the holder. */
import { expect, test } from 'vitest';
import { createLocks } from '../../src/stores/locks.ts';
import { openRedis, useRedis } from '../support/redis.ts';

const redis = useRedis();
const pause = () => new Promise((wake) => setTimeout(wake, 5));

test('work of one name runs one at a time, over several processes', async () => {
  const keys = openRedis(redis);
  const other = { redis: openRedis(redis).redis, prefix: keys.prefix };
  const holders = [createLocks(keys), createLocks(other)];
  let inside = 0;
  let count = 0;
  await Promise.all(
    Array.from({ length: 10 }, (_, number) =>
      holders[number % 2]?.exclusively('app', async () => {
        inside += 1;
        expect(inside).toBe(1);
        const read = count;
        await pause();
        count = read + 1;
        inside -= 1;
      }),
    ),
  );
  expect(count).toBe(10);
});

test('other names and other installations do not wait', async () => {
  const keys = openRedis(redis);
  const locks = createLocks(keys);
  const answer = await locks.exclusively('a', () =>
    locks.exclusively('b', () =>
      createLocks(openRedis(redis)).exclusively('a', async () => 'all three'),
    ),
  );
  expect(answer).toBe('all three');
});

test('what is thrown comes out, and the lock is free', async () => {
  const locks = createLocks(openRedis(redis));
  const failing = locks.exclusively('a', () => Promise.reject(new Error('no luck')));
  await expect(failing).rejects.toThrow('no luck');
  expect(await locks.exclusively('a', async () => 'next')).toBe('next');
});

test('a holder that died is forgotten, and cannot free the lock of the next', async () => {
  const { redis: connection, prefix } = openRedis(redis);
  const locks = createLocks({ redis: connection, prefix });
  await connection.set(`${prefix}:lock:a`, 'of the dead', 'PX', 100);
  expect(await locks.exclusively('a', async () => 'mine')).toBe('mine');
  await locks.exclusively('b', async () => {
    await connection.set(`${prefix}:lock:b`, 'of the next');
  });
  expect(await connection.get(`${prefix}:lock:b`)).toBe('of the next');
});

test('a lock is never held for ever', async () => {
  const { redis: connection, prefix } = openRedis(redis);
  const locks = createLocks({ redis: connection, prefix });
  await locks.exclusively('a', async () => {
    const left = await connection.pttl(`${prefix}:lock:a`);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(60_000);
  });
  expect(await connection.exists(`${prefix}:lock:a`)).toBe(0);
});

test('work that takes longer than a hold keeps its lock, and a holder that is gone loses it', async () => {
  const keys = openRedis(redis);
  // Long enough for a busy machine to say in time that the work goes on.
  const locks = createLocks({ ...keys, hold: 1_000 });
  const order: string[] = [];
  const long = locks.exclusively('app', async () => {
    await new Promise((wake) => setTimeout(wake, 1_500));
    order.push('long');
  });
  await expect.poll(() => keys.redis.exists(`${keys.prefix}:lock:app`)).toBe(1);
  await locks.exclusively('app', async () => void order.push('next'));
  await long;
  expect(order).toEqual(['long', 'next']);
  await keys.redis.set(`${keys.prefix}:lock:app`, 'of the dead', 'PX', 150);
  expect(await locks.exclusively('app', async () => 'taken over')).toBe('taken over');
});
