/** What an app was given reaches the app, and no reason that people read. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { RemoteError } from '../../src/core/errors.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';
import { app, createRig, type Rig } from './rig.ts';

const secret = 'hunter2-hunter2';
const environmentOf = async () => ({
  env: { PASSWORD: secret, REGION: 'eu', LEVEL: 'gitlab' },
  secrets: ['PASSWORD'],
  warnings: ['PORT is left out.'],
});
let redis: RedisStores;
let rig: Rig;

beforeAll(async () => {
  redis = await startRedisStores();
});
afterAll(() => redis.stop());
beforeEach(() => {
  rig = createRig(redis.fresh());
});

it('goes before the manifest, and is kept by names', async () => {
  const { service } = await rig.follow({ id: 'd0' });
  await rig.follow({ id: 'd1', service: { ...service, env: { LEVEL: 'manifest', OWN: '1' } } });
  await rig.deploy('d1', { environmentOf });
  const release = await rig.stores.releases.find(app, 1);
  expect(release).toMatchObject({
    definition: {
      env: { PASSWORD: secret, REGION: 'eu', LEVEL: 'gitlab', OWN: '1', LOG_DIR: '/var/log/app' },
    },
    variables: ['PASSWORD', 'REGION', 'LEVEL'],
    secrets: ['PASSWORD'],
  });
  const labels = release?.definition['labels'];
  expect(JSON.stringify([await rig.stores.deployments.find('d1'), labels])).not.toContain(secret);
  expect(await rig.stores.deployments.find('d1')).toMatchObject({
    warnings: ['PORT is left out.'],
  });
});

it('is taken out of the cause of a check', async () => {
  await rig.follow({ id: 'd1', deadline: 0 });
  const lastFailureCause = `GET /?token=${secret}: 500 eu`;
  rig.marathon.play(1, { healthCheckResults: [{ alive: false, lastFailureCause }] });
  await rig.deploy('d1', { environmentOf });
  expect((await rig.endOf('d1')).reason).toBe(
    'not healthy after 0 s, taken down: the check TCP on 8080 fails: GET /?token=[REDACTED]: 500 eu',
  );
});

it('is taken out of what Marathon says to a definition', async () => {
  await rig.follow({ id: 'd1' });
  rig.marathon.onCall = async (call) => {
    if (call !== 'putApp') return;
    const said = `Marathon refused it: {"env":{"PASSWORD":"${secret}"}}`;
    throw new RemoteError(said, { code: 'E_MARATHON_422', retryable: false });
  };
  await rig.deploy('d1', { environmentOf });
  expect((await rig.endOf('d1')).reason).toBe(
    'Marathon refused it: {"env":{"PASSWORD":"[REDACTED]"}}',
  );
});

it('is taken out of what is thrown, and so logged, also of the release that is given back', async () => {
  await rig.follow({ id: 'd1' });
  await rig.deploy('d1', { environmentOf });
  await rig.follow({ id: 'd2', order: 2 });
  rig.marathon.onCall = async (call) => {
    if (call !== 'putApp') return;
    throw new RemoteError(`Marathon answers 500: ${secret}, next-secret`, {
      code: 'E_MARATHON_500',
    });
  };
  const next = async () => ({ env: { P: 'next-secret' }, secrets: ['P'], warnings: [] });
  await expect(rig.deploy('d2', { environmentOf: next })).rejects.toMatchObject({
    message: 'Marathon answers 500: [REDACTED], [REDACTED]',
    retryable: true,
  });
});

it('is waited for while GitLab is away, and said when it stays away', async () => {
  await rig.follow({ id: 'd1' });
  const away = {
    environmentOf: () => Promise.reject(new RemoteError('GitLab is away.', { code: 'E_GITLAB' })),
  };
  await expect(rig.deploy('d1', away)).rejects.toThrow('GitLab is away.');
  expect(rig.marathon.writes).toEqual([]);
  await rig.deploy('d1', { ...away, last: true });
  expect(await rig.endOf('d1')).toEqual({ state: 'failed', reason: 'GitLab is away.' });
});
