/** Blue/green and canary: what is sent and shared in which order, and how each goes back. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Deployment } from '../../src/core/deployment.ts';
import type { CanarySize, Strategy } from '../../src/core/manifest.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';
import { app, away, createRig, type Rig, wrongPort } from './rig.ts';
import { sampleService } from './sample.ts';

let redis: RedisStores;
let rig: Rig;
/** Writes to Marathon and shares of requests, in their order. */
let seen: string[];

beforeAll(async () => {
  redis = await startRedisStores();
});
afterAll(async () => {
  await redis.stop();
});
beforeEach(async () => {
  const stores = redis.fresh();
  rig = createRig(stores);
  seen = rig.marathon.writes;
  const { save } = stores.traffic;
  stores.traffic.save = async (service, weights) => {
    const [live = 0, other = 0] = [app, alt].map((id) => weights[`${id}@default`]);
    const percent = weights[`${alt}@default%`];
    seen.push(`SHARE ${live} ${other}${percent === undefined ? '' : ` ${percent}%`}`);
    await save(service, weights);
  };
  await rig.firstRelease();
});

const alt = `${app}.alt`;
const three = sampleService({ instances: 3 });

const blueGreen = (keep: number): Strategy => ({ kind: 'blue-green', keep });
const canary = (hold: number | 'manual', instances: CanarySize = 1): Strategy => ({
  ...{ kind: 'canary', instances, hold },
});

function follow(id: string, order: number, strategy: Strategy, more: Partial<Deployment> = {}) {
  const deploy = { strategy, order: 'sequence' as const };
  return rig.follow({ id, order, deploy, sha: id.repeat(20), ...more });
}

const releaseAt = (id: string) =>
  (rig.marathon.definitionOf(id)?.['labels'] as Record<string, string>)?.['ekiden.release'];
const placeOf = async (id: string) => (await rig.stores.deployments.find(id))?.places?.[0];
const states = () => [releaseAt(app), releaseAt(alt)];

describe('blue/green', () => {
  it('starts all beside all, switches, and ends the old ones', async () => {
    await follow('d2', 2, blueGreen(0));
    expect(await rig.deploy('d2')).toEqual([{ type: 'deployment.succeeded', deployment: 'd2' }]);
    expect(seen).toEqual([
      'SHARE 1 0',
      `PUT ${alt} release 2 force`,
      'SHARE 0 1',
      `DELETE ${app} force`,
    ]);
    expect(await placeOf('d2')).toMatchObject({ state: 'done', app, strategy: 'blue-green' });
    expect(await rig.stores.releases.lastGood(app)).toMatchObject({ number: 2 });
  });

  it('goes on from whichever app serves, also with another strategy', async () => {
    await follow('d2', 2, blueGreen(0));
    await rig.deploy('d2');
    await follow('d3', 3, blueGreen(0));
    await rig.deploy('d3');
    expect(states()).toEqual(['3', undefined]);
    await follow('d4', 4, blueGreen(0));
    await rig.deploy('d4');
    await follow('d5', 5, { kind: 'rolling' });
    await rig.deploy('d5');
    expect(states()).toEqual([undefined, '5']);
  });

  it('does not switch what does not become healthy', async () => {
    rig.marathon.play(2, wrongPort);
    await follow('d2', 2, blueGreen(0), { deadline: 0.3 });
    await rig.deploy('d2');
    expect(await rig.endOf('d2')).toEqual({
      state: 'failed',
      reason: 'not healthy after 0.3 s, back to release 1: listens on 3000, checked 8080',
    });
    expect(seen).toEqual([
      'SHARE 1 0',
      `PUT ${alt} release 2 force`,
      'SHARE 1 0',
      `DELETE ${alt} force`,
    ]);
    expect(await rig.stores.releases.standing(app, 2)).toMatchObject({ state: 'bad' });
  });

  it('switches back at once, and starts nothing, when an instance gets sick meanwhile', async () => {
    await follow('d2', 2, blueGreen(60));
    const deploying = rig.deploy('d2');
    await expect.poll(async () => (await placeOf('d2'))?.state).toBe('holding');
    rig.marathon.play(2, wrongPort);
    await deploying;
    expect((await rig.endOf('d2')).reason).toBe(
      'an instance did not stay healthy, back to release 1: listens on 3000, checked 8080',
    );
    expect(seen.slice(2)).toEqual(['SHARE 0 1', 'SHARE 1 0', `DELETE ${alt} force`]);
  });

  it('goes back to what is kept without starting anything, when somebody rolls back', async () => {
    await follow('d2', 2, blueGreen(60));
    const deploying = rig.deploy('d2');
    await expect.poll(async () => (await placeOf('d2'))?.state).toBe('holding');
    const { service, deploy, ...made } = await rig.stores.deployments
      .find('d2')
      .then((found) => found ?? Promise.reject(new Error('there is none')));
    const { places: _, ...back } = { ...made, service, deploy, release: 1, id: 'back' };
    const wanted = { ...back, kind: 'rollback' as const, by: 'ada', state: 'queued' as const };
    await rig.stores.deployments.takeOver(wanted);
    expect(await rig.deploy('back')).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(await deploying).toMatchObject([{ type: 'deployment.superseded' }]);
    expect(states()).toEqual(['1', undefined]);
    expect(seen.filter((each) => each.startsWith('PUT'))).toEqual([`PUT ${alt} release 2 force`]);
  });

  it('gives way to a newer push as what it is: live', async () => {
    await follow('d2', 2, blueGreen(60));
    const deploying = rig.deploy('d2');
    await expect.poll(async () => (await placeOf('d2'))?.state).toBe('holding');
    await follow('d3', 3, { kind: 'rolling' });
    expect(await deploying).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(await rig.deploy('d3')).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(states()).toEqual([undefined, '3']);
  });

  it.each(['putApp', 'deleteApp', 'app'] as const)('goes on after a failing %s', async (call) => {
    await follow('d2', 2, blueGreen(0));
    for (const after of [false, true]) {
      rig.marathon.fail(call, away(), { after });
      await expect(rig.deploy('d2')).rejects.toThrow('Marathon is away.');
    }
    expect(await rig.deploy('d2')).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(states()).toEqual([undefined, '2']);
    expect(seen.filter((each) => each.startsWith('PUT'))).toHaveLength(1);
  });
});

describe('a canary', () => {
  it('gets its share, and the others follow after a while', async () => {
    await rig.follow({ id: 'many', order: 2, service: three });
    await rig.deploy('many');
    seen.length = 0;
    await follow('d3', 3, canary(0, '50%'), { service: three });
    await rig.deploy('d3');
    expect(seen).toEqual([
      'SHARE 1 0',
      `PUT ${alt} release 3 force`,
      'SHARE 1 1 50%',
      `PUT ${app} release 3 force`,
      'SHARE 1 0',
      `DELETE ${alt} force`,
    ]);
    expect(await placeOf('d3')).toMatchObject({ state: 'done', strategy: 'canary' });
    expect(await rig.stores.releases.lastGood(app)).toMatchObject({ number: 3, weights: {} });
  });

  it('of all requests leaves none that the others have to wait for', async () => {
    await follow('d2', 2, canary(0, '100%'));
    const isRouted = async (_: string, instances: string[]) =>
      instances.every((id) => id.startsWith(alt));
    const change = { isRouted, routePatience: 300 };
    expect(await rig.deploy('d2', change)).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect((await rig.endOf('d2')).reason).toBeUndefined();
    expect(seen.slice(2)).toEqual([
      'SHARE 1 1 100%',
      `PUT ${app} release 2 force`,
      'SHARE 1 0',
      `DELETE ${alt} force`,
    ]);
  });

  it.each([
    ['on', 'succeeded', undefined, '2'],
    ['back', 'failed', 'ada took it back, back to release 1', '1'],
  ] as const)('waits for the word %s', async (go, state, reason, release) => {
    await follow('d2', 2, canary('manual'));
    const deploying = rig.deploy('d2');
    await expect.poll(async () => (await placeOf('d2'))?.state).toBe('holding');
    expect(states()).toEqual(['1', '2']);
    await rig.stores.deployments.update('d2', { decision: { go, by: 'ada' } });
    await deploying;
    expect(await rig.endOf('d2')).toEqual({ state, reason });
    expect(states()).toEqual([release, undefined]);
  });

  it('that does not become healthy is taken back without waiting for the deadline', async () => {
    rig.marathon.play(2, wrongPort);
    await follow('d2', 2, canary('manual'), { deadline: 300 });
    const deploying = rig.deploy('d2');
    await expect.poll(async () => (await placeOf('d2'))?.state).toBe('trial');
    await rig.stores.deployments.update('d2', { decision: { go: 'back', by: 'ada' } });
    await deploying;
    const reason = 'ada took it back, back to release 1';
    expect(await rig.endOf('d2')).toEqual({ state: 'failed', reason });
    expect(seen).not.toContain('SHARE 1 1');
    expect(states()).toEqual(['1', undefined]);
  });

  it('that gets sick ends the trial', async () => {
    await follow('d2', 2, canary('manual'), { deadline: 30 });
    const deploying = rig.deploy('d2');
    await expect.poll(async () => (await placeOf('d2'))?.state).toBe('holding');
    rig.marathon.play(2, wrongPort);
    await deploying;
    expect((await rig.endOf('d2')).reason).toMatch(/^an instance did not stay healthy, back to/);
    expect(seen.slice(3)).toEqual(['SHARE 1 0', `DELETE ${alt} force`]);
  });

  it('has its deadline without the time for which it is only looked at', async () => {
    await follow('d2', 2, canary(1), { deadline: 0.9 });
    const begun = Date.now();
    expect(await rig.deploy('d2')).toMatchObject([{ type: 'deployment.succeeded' }]);
    const took = Date.now() - begun;
    const [seconds = took] = await rig.stores.durations.list(app);
    expect(seconds * 1000).toBeLessThanOrEqual(took - 1_000);
    expect((await placeOf('d2'))?.held).toBeGreaterThanOrEqual(1_000);
  });

  it('that a newer push overtakes is cleared away by that', async () => {
    await follow('d2', 2, canary('manual'));
    const deploying = rig.deploy('d2');
    await expect.poll(async () => (await placeOf('d2'))?.state).toBe('holding');
    await follow('d3', 3, { kind: 'rolling' });
    expect(await deploying).toMatchObject([{ type: 'deployment.superseded' }]);
    expect(await rig.deploy('d3')).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(states()).toEqual(['3', undefined]);
    expect(await rig.stores.traffic.find(app)).toMatchObject({ [`${app}@default`]: 1 });
  });
});

it('a first release, and one of a service that is stopped, needs no strategy', async () => {
  await rig.stores.deployments.forget(app);
  await rig.marathon.deleteApp(app);
  await follow('d2', 2, blueGreen(60));
  expect(await rig.deploy('d2')).toMatchObject([{ type: 'deployment.succeeded' }]);
  await rig.marathon.scale(app, 0);
  await follow('d3', 3, canary('manual'));
  expect(await rig.deploy('d3')).toMatchObject([{ type: 'deployment.succeeded' }]);
  expect(states()).toEqual(['3', undefined]);
});
