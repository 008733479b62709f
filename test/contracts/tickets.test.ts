/** Tickets: good once, for half a minute. */
import { expect, test } from 'vitest';
import type { Caller } from '../../src/core/access.ts';
import { createTickets } from '../../src/stores/tickets.ts';
import { openRedis, useRedis } from '../support/redis.ts';

const redis = useRedis();
const caller: Caller = {
  ...{ user: 7, username: 'ada', name: 'Ada', mayChange: false, isService: false },
  onlyProject: 3,
};

test('is taken once, however many try', async () => {
  const tickets = createTickets(openRedis(redis));
  const { ticket } = await tickets.issue(caller);
  const taken = await Promise.all(Array.from({ length: 10 }, () => tickets.take(ticket)));
  expect(taken.filter((each) => each !== undefined)).toEqual([caller]);
});

test('is good for 30 s, and for nobody who reads Redis', async () => {
  const keys = openRedis(redis);
  const tickets = createTickets(keys);
  const { ticket } = await tickets.issue(caller);
  const [key = ''] = await keys.redis.keys(`${keys.prefix}:ticket:*`);
  expect(key).not.toContain(ticket);
  const left = await keys.redis.pttl(key);
  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThanOrEqual(30_000);
  await keys.redis.pexpire(key, 0);
  expect(await tickets.take(ticket)).toBeUndefined();
});

test('of nobody is none', async () => {
  expect(await createTickets(openRedis(redis)).take('made up')).toBeUndefined();
});
