/** Sessions: known to their browser alone, ended by time, and no place for secrets. */
import { expect, test } from 'vitest';
import { connectRedis } from '../../src/clients/redis.ts';
import type { Caller } from '../../src/core/access.ts';
import { createSessions } from '../../src/stores/sessions.ts';
import { newInstall, openRedis, useRedis } from '../support/redis.ts';

const redis = useRedis();
const caller: Caller = {
  ...{ user: 7, username: 'ada', name: 'Ada', mayChange: true, isService: false },
};
const session = { caller, openedAt: 1_000 };

test('is found by its id until it is closed', async () => {
  const sessions = createSessions(openRedis(redis));
  const id = await sessions.open(session);
  expect(id).toMatch(/^[\w-]{43}$/);
  expect(await sessions.find(id)).toEqual(session);
  await sessions.close(id);
  await sessions.close(id);
  expect(await sessions.find(id)).toBeUndefined();
});

test('has an id of its own', async () => {
  const sessions = createSessions(openRedis(redis));
  expect(await sessions.open(session)).not.toBe(await sessions.open(session));
  expect(await sessions.find('no such id')).toBeUndefined();
});

test('lasts twelve hours from its last use', async () => {
  const keys = openRedis(redis);
  const sessions = createSessions(keys);
  const id = await sessions.open(session);
  const [key = ''] = await keys.redis.keys(`${keys.prefix}:session:*`);
  expect(await keys.redis.ttl(key)).toBeGreaterThan(11.9 * 3600);
  await keys.redis.expire(key, 5);
  await sessions.find(id);
  expect(await keys.redis.ttl(key)).toBeGreaterThan(11.9 * 3600);
  await keys.redis.expire(key, 0);
  expect(await sessions.find(id)).toBeUndefined();
});

test('takes nothing that it does not know, such as a token', async () => {
  const sessions = createSessions(openRedis(redis));
  const withToken = { ...session, caller: { ...caller, token: 'glpat-x' } };
  await expect(sessions.open(withToken)).rejects.toThrow();
});

test('that was damaged is none', async () => {
  const keys = openRedis(redis);
  const sessions = createSessions(keys);
  const id = await sessions.open(session);
  const [key = ''] = await keys.redis.keys(`${keys.prefix}:session:*`);
  for (const text of ['{', 'null', '{"caller":{"user":"7"}}']) {
    await keys.redis.set(key, text);
    expect(await sessions.find(id)).toBeUndefined();
  }
});

test('says at once that Redis is away', async () => {
  const connection = connectRedis({ url: 'redis://127.0.0.1:1', whenAway: 'fail' });
  const sessions = createSessions({ redis: connection, prefix: newInstall() });
  await expect(sessions.find('any')).rejects.toMatchObject({ code: 'E_REDIS', status: 503 });
  connection.disconnect();
});
