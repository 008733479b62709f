/** Counting requests in Redis, also after Redis was away. */
import type { Options } from 'express-rate-limit';
import { expect, test } from 'vitest';
import type { Redis } from '../../src/clients/redis.ts';
import { createRateLimits } from '../../src/stores/rate-limits.ts';
import { openRedis, useRedis } from '../support/redis.ts';

const redis = useRedis();
const hour = { windowMs: 3_600_000 } as Options;

test('requests are counted by key, each limit for itself', async () => {
  const open = createRateLimits(openRedis(redis));
  const [reads, changes] = [open('reads'), open('changes')];
  for (const store of [reads, changes]) await store.init?.(hour);
  const hits = async (store: typeof reads, key: string) => (await store.increment(key)).totalHits;
  expect([await hits(reads, 'ada'), await hits(reads, 'ada')]).toEqual([1, 2]);
  expect([await hits(reads, 'bob'), await hits(changes, 'ada')]).toEqual([1, 1]);
});

test('counting goes on after Redis lost its scripts and failed while they were loaded', async () => {
  const options = openRedis(redis);
  let failures = 0;
  const call = async (command: string, ...words: string[]) => {
    if (command === 'SCRIPT' && failures > 0) {
      failures -= 1;
      throw new Error('Connection is closed.');
    }
    return options.redis.call(command, ...words);
  };
  const store = createRateLimits({ ...options, redis: { call } as unknown as Redis })('reads');
  await store.init?.(hour);
  expect(await store.increment('ada')).toMatchObject({ totalHits: 1 });
  await options.redis.script('FLUSH');
  failures = 1;
  await expect(store.increment('ada')).rejects.toThrow('Connection is closed.');
  expect(await store.increment('ada')).toMatchObject({ totalHits: 2 });
});
