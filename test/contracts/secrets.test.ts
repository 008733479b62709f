/** Secrets that are made once: the same for every process, and for nobody else. */
import { expect, test } from 'vitest';
import { createSecrets } from '../../src/stores/secrets.ts';
import { openRedis, useRedis } from '../support/redis.ts';

const redis = useRedis();

test('a secret is 32 random bytes, and stays', async () => {
  const keys = openRedis(redis);
  const made = await createSecrets(keys).get('hook');
  expect(Buffer.from(made, 'base64url')).toHaveLength(32);
  expect(made).toMatch(/^[\w-]{43}$/);
  expect(await createSecrets(keys).get('hook')).toBe(made);
  expect(await keys.redis.hgetall(`${keys.prefix}:secrets`)).toEqual({ hook: made });
});

test('processes that ask at the same time get the same', async () => {
  const keys = openRedis(redis);
  const processes = Array.from({ length: 8 }, () =>
    createSecrets({ redis: openRedis(redis).redis, prefix: keys.prefix }),
  );
  const answers = await Promise.all(processes.map((secrets) => secrets.get('hook')));
  expect(new Set(answers).size).toBe(1);
});

test('names and installations have secrets of their own', async () => {
  const secrets = createSecrets(openRedis(redis));
  const others = createSecrets(openRedis(redis));
  const all = [await secrets.get('hook'), await secrets.get('node'), await others.get('hook')];
  expect(new Set(all).size).toBe(3);
});
