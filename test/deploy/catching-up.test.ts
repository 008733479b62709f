/** What becomes of a data centre that was away while its services were deployed. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createDataCentres } from '../../src/clients/data-centres.ts';
import { AppLockedError } from '../../src/clients/marathon.ts';
import { InputError } from '../../src/core/errors.ts';
import { silent } from '../../src/core/log.ts';
import type { Strategy } from '../../src/core/manifest.ts';
import { hasToFollow } from '../../src/deploy/rollout/behind.ts';
import { catchUp } from '../../src/deploy/rollout/catching-up.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';
import { sampleDeploy } from '../support/samples.ts';
import { app, away, createRig, type Rig, wrongPort } from './rig.ts';
import { sampleService } from './sample.ts';

it.each([
  ['the same release', { wanted: 2, running: 2 }, false],
  ['none', { wanted: 2, running: undefined }, true],
  ['an older one', { wanted: 2, running: 1 }, true],
  ['a newer one', { wanted: 2, running: 3 }, false],
  ['a newer one that did not work', { wanted: 2, running: 3, isBad: true }, true],
  ['a newer one from which somebody went back', { wanted: 2, running: 3, isAskedBack: true }, true],
])('where %s runs: %o', (_, facts, follows) => {
  expect(hasToFollow({ isBad: false, isAskedBack: false, ...facts })).toBe(follows);
});

describe('a data centre that is back', () => {
  let redis: RedisStores;
  let rig: Rig;

  beforeAll(async () => {
    redis = await startRedisStores();
  });
  afterAll(async () => {
    await redis.stop();
  });
  beforeEach(async () => {
    rig = createRig(redis.fresh(), ['east', 'west']);
    await rig.firstRelease();
  });

  const west = () => rig.marathonAt('west');
  const writes = () => west().writes;
  const releaseAt = (id = app) => west().releaseOf(id);
  const leaveAlone = async (isAway: boolean) => {
    west().onCall = () => {
      if (isAway) throw away();
    };
  };
  const look = (dataCentres = rig.dataCentres) =>
    catchUp({
      ...{ ...rig.stores, ...rig.stores.locks, dataCentres, install: 'lab' },
      ...{ isFree: rig.stores.balancers.isFree, log: silent, patience: 500, lastRequests: 0 },
    });
  const deployWhileAway = async (more: object = {}) => {
    await rig.follow({ id: 'd2', order: 2, sha: 'b'.repeat(40), ...more });
    await leaveAlone(true);
    await rig.deploy('d2');
    writes().length = 0;
  };
  const placesOf = async (id: string) =>
    (await rig.stores.deployments.find(id))?.places?.map(({ state }) => state);

  it('follows, once, as soon as it answers', async () => {
    await deployWhileAway();
    expect(await look()).toBe(true);
    expect(writes()).toEqual([]);
    await leaveAlone(false);
    expect(await placesOf('d2')).toEqual(['done', 'away']);
    const warnings = async () => (await rig.stores.deployments.find('d2'))?.warnings;
    expect(await warnings()).toHaveLength(1);
    await Promise.all([look(), look()]);
    expect(await look()).toBe(false);
    expect(writes()).toEqual([`PUT ${app} release 2 force`]);
    expect(await placesOf('d2')).toEqual(['done', 'done']);
    expect(await warnings()).toEqual([]);
  });

  const placeOf = async (id: string) => (await rig.stores.deployments.find(id))?.places?.[1];
  const sent = `PUT ${app} release 2 force`;

  it.each([
    ['refuses it for a moment', () => away(), false],
    ['keeps the app locked', () => new AppLockedError('App is locked', ['d']), false],
    ['takes it, and the answer is lost', () => away(), true],
  ])('that %s is asked again until it has it', async (_, error, after) => {
    await deployWhileAway();
    await leaveAlone(false);
    west().fail('putApp', error(), { after });
    expect(await look()).toBe(true);
    expect(await placeOf('d2')).toMatchObject({ state: 'away', reason: error().message });
    expect(await look()).toBe(false);
    expect(writes()).toEqual([sent]);
    expect(await placesOf('d2')).toEqual(['done', 'done']);
  });

  it('says what it refuses for good', async () => {
    await deployWhileAway();
    await leaveAlone(false);
    west().fail('putApp', new InputError('No such field.', { code: 'E_MARATHON_INPUT' }));
    expect(await look()).toBe(false);
    expect(await placeOf('d2')).toMatchObject({ state: 'away', reason: 'No such field.' });
  });

  it('says what is not healthy there, until it is', async () => {
    await deployWhileAway();
    await leaveAlone(false);
    west().play(2, wrongPort);
    for (const _ of [1, 2]) {
      await look();
      const reason = 'not healthy there yet: listens on 3000, checked 8080';
      expect(await placeOf('d2')).toMatchObject({ state: 'away', reason });
    }
    west().play(2, { healthCheckResults: [{ alive: true }] });
    await look();
    expect(writes()).toEqual([sent]);
    expect(await placesOf('d2')).toEqual(['done', 'done']);
    expect(await placeOf('d2')).not.toHaveProperty('reason');
  });

  it('is left alone while the app is deployed, and once it was taken down', async () => {
    await deployWhileAway();
    await leaveAlone(false);
    await rig.follow({ id: 'd3', order: 3 });
    await look();
    await rig.stores.deployments.forget(app);
    await look();
    expect(writes()).toEqual([]);
  });

  it('ends what it was trying when it went away', async () => {
    const strategy = { kind: 'canary' as const, instances: 1, hold: 'manual' as const };
    const deploy = { ...sampleDeploy, strategy, order: 'together' as const };
    await rig.follow({ id: 'd2', order: 2, sha: 'b'.repeat(40), deploy });
    const deploying = rig.deploy('d2');
    await expect.poll(() => placesOf('d2')).toEqual(['holding', 'holding']);
    await leaveAlone(true);
    await expect.poll(() => placesOf('d2')).toEqual(['holding', 'away']);
    await rig.stores.deployments.update('d2', { decision: { go: 'on', by: 'ada' } });
    expect(await deploying).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect([releaseAt(), releaseAt(`${app}.alt`)]).toEqual(['1', '2']);
    await leaveAlone(false);
    await look();
    expect([releaseAt(), releaseAt(`${app}.alt`)]).toEqual(['2', undefined]);
  });

  const tried = async (id: string, strategy: Strategy, state: string) => {
    const deploy = { ...sampleDeploy, strategy, order: 'together' as const };
    await rig.follow({ id, order: 2, sha: 'b'.repeat(40), deploy });
    const done = rig.deploy(id);
    await expect.poll(() => placesOf(id)).toEqual([state, state]);
    return { done };
  };

  it('loses what was kept there beside a switch', async () => {
    const { done } = await tried('d2', { kind: 'blue-green', keep: 1 }, 'holding');
    await leaveAlone(true);
    expect(await done).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(await placesOf('d2')).toEqual(['done', 'away']);
    await leaveAlone(false);
    await look();
    expect([releaseAt(), releaseAt(`${app}.alt`)]).toEqual([undefined, '2']);
    expect(await placesOf('d2')).toEqual(['done', 'done']);
  });

  it('loses what was tried there when it went away, also where that was taken back', async () => {
    const canary: Strategy = { kind: 'canary', instances: 1, hold: 'manual' };
    const { done } = await tried('d2', canary, 'holding');
    await leaveAlone(true);
    await expect.poll(() => placesOf('d2')).toEqual(['holding', 'away']);
    await rig.stores.deployments.update('d2', { decision: { go: 'back', by: 'ada' } });
    expect(await done).toMatchObject([{ type: 'deployment.failed' }]);
    await leaveAlone(false);
    await look();
    expect([releaseAt(), releaseAt(`${app}.alt`)]).toEqual(['1', undefined]);
    expect(await rig.stores.traffic.find(app)).toMatchObject({
      [`${app}@west`]: 1,
      [`${app}.alt@west`]: 0,
    });
  });

  it('gets requests again where it has lost all that it had', async () => {
    const { done } = await tried('d2', { kind: 'blue-green', keep: 0 }, 'done');
    await done;
    await west().deleteApp(`${app}.alt`);
    await look();
    expect(releaseAt()).toBe('2');
    expect((await rig.stores.traffic.find(app))[`${app}@west`]).toBe(1);
  });

  it('goes back from what did not work elsewhere', async () => {
    await rig.follow({ id: 'd2', order: 2, sha: 'b'.repeat(40), deadline: 0.4 });
    rig.marathonAt('east').play(2, { state: 'TASK_STAGING' });
    rig.marathonAt('west').play(2, wrongPort);
    const deploy = { ...sampleDeploy, order: 'together' as const };
    await rig.stores.deployments.update('d2', { deploy });
    const deploying = rig.deploy('d2');
    await expect.poll(() => releaseAt()).toBe('2');
    await leaveAlone(true);
    expect(await deploying).toMatchObject([{ type: 'deployment.failed' }]);
    await leaveAlone(false);
    await look();
    expect(releaseAt()).toBe('1');
  });

  it('is left where the manifest names it no more', async () => {
    await deployWhileAway({ service: sampleService({ dataCentres: ['east'] }) });
    await leaveAlone(false);
    await look();
    expect(writes()).toEqual([`DELETE ${app} force`]);
  });

  it('is not left while the service is not healthy where it belongs', async () => {
    await deployWhileAway({ service: sampleService({ dataCentres: ['east'] }) });
    await leaveAlone(false);
    rig.marathonAt('east').play(2, wrongPort);
    await look();
    expect(writes()).toEqual([]);
    rig.marathonAt('east').play(2, { healthCheckResults: [{ alive: true }] });
    await look();
    expect(writes()).toEqual([`DELETE ${app} force`]);
  });

  it('is not left because the settings call it by another name', async () => {
    const service = sampleService({ dataCentres: ['west'] });
    await rig.follow({ id: 'd2', order: 2, sha: 'b'.repeat(40), service });
    await rig.deploy('d2');
    await look();
    writes().length = 0;
    const all = [
      { name: 'east', marathon: rig.marathonAt('east') },
      { name: 'far-west', marathon: west() },
    ];
    await look(createDataCentres({ all }));
    expect(writes()).toEqual([]);
    expect(releaseAt()).toBe('2');
  });
});

it('a way back that could not be taken in time is taken once Marathon answers', async () => {
  const redis = await startRedisStores();
  onTestFinished(() => redis.stop());
  const rig = createRig(redis.fresh());
  await rig.firstRelease();
  const strategy: Strategy = { kind: 'blue-green', keep: 60 };
  const deploy = { ...sampleDeploy, strategy };
  await rig.follow({ id: 'd2', order: 2, sha: 'b'.repeat(40), deadline: 0.3, deploy });
  rig.marathon.play(2, wrongPort);
  let isAway = false;
  rig.marathon.onCall = (call) => {
    if (call === 'deleteApp') isAway = true;
    if (isAway) throw away();
  };
  expect(await rig.deploy('d2', { last: true })).toMatchObject([{ type: 'deployment.failed' }]);
  expect(await rig.stores.releases.standing(app, 2)).toMatchObject({ state: 'bad' });
  rig.marathon.onCall = () => undefined;
  await catchUp({
    ...{ ...rig.stores, ...rig.stores.locks, dataCentres: rig.dataCentres, install: 'lab' },
    ...{ isFree: rig.stores.balancers.isFree, log: silent, patience: 500, lastRequests: 0 },
  });
  expect(rig.marathon.definitionOf(`${app}.alt`)).toBeUndefined();
  expect(rig.marathon.definitionOf(app)).toMatchObject({ labels: { 'ekiden.release': '1' } });
});
