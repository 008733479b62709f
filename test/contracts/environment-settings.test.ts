/** What every EnvironmentSettingsStore must do. */
import { describe, expect, test } from 'vitest';
import { createEnvironmentSettings } from '../../src/stores/environments.ts';
import { createFakeEnvironmentSettings } from '../fakes/environments.ts';
import { openRedis, useRedis } from '../support/redis.ts';

const redis = useRedis();
const freeze = { reason: 'the sale goes on', by: 'ada', at: 1, until: 2 };

describe.each([
  ['redis', () => createEnvironmentSettings(openRedis(redis))],
  ['fake', createFakeEnvironmentSettings],
])('%s', (_, open) => {
  test('what was never set deploys by itself', async () => {
    const settings = open();
    expect(await settings.find(7, 'production')).toEqual({ autoDeploy: true });
    expect(await settings.list(7)).toEqual(new Map());
  });

  test('each environment has its own', async () => {
    const settings = open();
    await settings.save(7, 'production', { autoDeploy: true, freeze });
    await settings.save(7, 'review/x', { autoDeploy: false });
    expect(await settings.find(7, 'production')).toEqual({ autoDeploy: true, freeze });
    expect(await settings.find(7, 'review/x')).toEqual({ autoDeploy: false });
    expect(await settings.find(8, 'production')).toEqual({ autoDeploy: true });
    expect([...(await settings.list(7)).keys()].sort()).toEqual(['production', 'review/x']);
  });

  test('what is as at first is not listed', async () => {
    const settings = open();
    await settings.save(7, 'production', { autoDeploy: false, freeze });
    await settings.save(7, 'production', { autoDeploy: true });
    expect(await settings.find(7, 'production')).toEqual({ autoDeploy: true });
    expect(await settings.list(7)).toEqual(new Map());
  });
});
