/** Whose address counts: that of the client where a proxy is believed, else that of who connects. */
import { expect, test } from 'vitest';
import { useRedis } from '../../support/redis.ts';
import { openApi } from './rig.ts';

const redis = useRedis();

/** The answers to wrong tokens, each from another address by the word of the proxy. */
async function statusesOf(proxies: string[]): Promise<Set<number>> {
  const { call } = await openApi({ redis, proxies });
  const statuses = new Set<number>();
  for (let client = 0; client < 70; client += 1) {
    const headers = { 'X-Forwarded-For': `192.0.2.${client}` };
    statuses.add((await call('GET', '/self', { token: 'wrong', headers })).status);
  }
  return statuses;
}

test('clients behind a proxy are counted each for itself', async () => {
  expect(await statusesOf(['loopback'])).toEqual(new Set([401]));
});

test('whoever is no proxy cannot pass for many clients', async () => {
  expect(await statusesOf([])).toEqual(new Set([401, 429]));
});
