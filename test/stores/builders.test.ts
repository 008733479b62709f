/** Which build hosts there are, what they lack, and how long builds take. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';

let redis: RedisStores;
beforeAll(async () => {
  redis = await startRedisStores();
});
afterAll(() => redis.stop());

describe('build hosts', () => {
  test('count while they are alive', async () => {
    const { builders, redis: client, prefix } = redis.fresh();
    expect([await builders.slots(), await builders.first()]).toEqual([0, undefined]);
    await builders.announce({ name: 'b', slots: 2 });
    await builders.announce({ name: 'a', slots: 3 });
    await builders.announce({ name: 'a', slots: 4 });
    expect([await builders.slots(), await builders.first()]).toEqual([6, 'a']);
    expect(await client.ttl(`${prefix}:builder:a`)).toBeGreaterThan(0);
    await client.expire(`${prefix}:builder:a`, 0);
    expect([await builders.slots(), await builders.first()]).toEqual([2, 'b']);
    expect(await client.smembers(`${prefix}:builders`)).toEqual(['b']);
    await builders.leave('b');
    expect(await builders.slots()).toBe(0);
  });

  test('count only where they have room, and say what they lack where none has', async () => {
    const { builders } = redis.fresh();
    const told = async () => [await builders.slots(), await builders.shortage()];
    expect(await told()).toEqual([0, undefined]);
    await builders.announce({ name: 'a', slots: 2, shortage: '1 GB is free' });
    expect(await told()).toEqual([0, '1 GB is free']);
    await builders.announce({ name: 'b', slots: 3 });
    expect(await told()).toEqual([3, undefined]);
    await builders.announce({ name: 'a', slots: 2 });
    expect(await told()).toEqual([5, undefined]);
  });

  test('count whatever their clocks say', async () => {
    const { builders } = redis.fresh();
    onTestFinished(() => void vi.useRealTimers());
    vi.useFakeTimers({ toFake: ['Date'] });
    await builders.announce({ name: 'a', slots: 2 });
    vi.setSystemTime(Date.now() + 60_000);
    await builders.announce({ name: 'b', slots: 3 });
    expect([await builders.slots(), await builders.first()]).toEqual([5, 'a']);
  });

  test('know what builds take: the middle of the last ones, of all where a project has none', async () => {
    const { builders } = redis.fresh();
    expect(await builders.usualTimes([1])).toEqual(new Map([[1, undefined]]));
    for (const took of [100, ...Array(5).fill(30), ...Array(4).fill(10)])
      await builders.noteTime(1, took);
    expect(await builders.usualTimes([1, 2, 1])).toEqual(
      new Map([
        [1, 30],
        [2, 30],
      ]),
    );
    await builders.noteTime(2, 7);
    expect((await builders.usualTimes([2])).get(2)).toBe(7);
  });
});
