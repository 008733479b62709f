/** What becomes of a deployment that does not come up, or is overtaken. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InputError, RemoteError } from '../../src/core/errors.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';
import { app, away, createRig, type Rig, wrongPort } from './rig.ts';

let redis: RedisStores;
let rig: Rig;

beforeAll(async () => {
  redis = await startRedisStores();
});
afterAll(async () => {
  await redis.stop();
});
beforeEach(() => {
  rig = createRig(redis.fresh());
});

describe('a deployment that does not become healthy', () => {
  it('gives way to the last good definition', async () => {
    await rig.firstRelease();
    const good = rig.marathon.definitionOf(app);
    await rig.follow({ id: 'd2', order: 2, deadline: 0.3 });
    rig.marathon.play(2, wrongPort);
    expect(await rig.deploy('d2')).toEqual([{ type: 'deployment.failed', deployment: 'd2' }]);
    expect(rig.marathon.writes).toEqual([
      `PUT ${app} release 2 force`,
      `PUT ${app} release 1 force`,
    ]);
    expect(rig.marathon.definitionOf(app)).toEqual(good);
    expect(await rig.endOf('d2')).toEqual({
      state: 'failed',
      reason: 'not healthy after 0.3 s, back to release 1: listens on 3000, checked 8080',
    });
    expect(await rig.stores.releases.lastGood(app)).toMatchObject({ number: 1 });
  });

  it('tells how long it was waited for, without the way back', async () => {
    await rig.firstRelease();
    await rig.follow({ id: 'd2', order: 2, deadline: 0.3 });
    rig.marathon.play(2, wrongPort);
    rig.marathon.onCall = async (call) => {
      const { failure, legs = [] } = (await rig.stores.deployments.find('d2')) ?? {};
      if (call === 'putApp' && failure) expect(legs.every(({ end }) => end)).toBe(true);
    };
    await rig.deploy('d2');
    const { legs = [] } = (await rig.stores.deployments.find('d2')) ?? {};
    expect(legs).toMatchObject([
      { name: 'deploy', end: expect.any(Number) },
      { name: 'health', end: expect.any(Number) },
    ]);
  });

  it('leaves nothing behind where there was no good release', async () => {
    await rig.follow({ id: 'd1', deadline: 0.3 });
    rig.marathon.play(1, wrongPort);
    await rig.deploy('d1');
    expect(rig.marathon.writes).toEqual([`PUT ${app} release 1 force`, `DELETE ${app} force`]);
    expect((await rig.endOf('d1')).reason).toBe(
      'not healthy after 0.3 s, taken down: listens on 3000, checked 8080',
    );
  });

  it('is not reported before the way back is done', async () => {
    await rig.firstRelease();
    await rig.follow({ id: 'd2', order: 2, deadline: 0.3 });
    rig.marathon.play(2, wrongPort);
    rig.marathon.locked.add(app);
    let looks = 0;
    rig.marathon.onCall = (call) => {
      if (call === 'deployments' && ++looks === 3) rig.marathon.locked.clear();
    };
    expect(await rig.deploy('d2')).toMatchObject([{ type: 'deployment.failed' }]);
    expect(looks).toBe(3);
  });

  it('does not keep the next push waiting', async () => {
    await rig.firstRelease();
    await rig.follow({ id: 'd2', order: 2, deadline: 0.3 });
    rig.marathon.play(2, wrongPort);
    await rig.deploy('d2');
    await rig.follow({ id: 'd3', order: 3, sha: 'ffff567890abcdef' });
    expect(await rig.deploy('d3')).toEqual([{ type: 'deployment.succeeded', deployment: 'd3' }]);
    expect(await rig.stores.releases.lastGood(app)).toMatchObject({ number: 3 });
  });

  it('keeps its reason when the way back has to be tried again', async () => {
    await rig.firstRelease();
    await rig.follow({ id: 'd2', order: 2, deadline: 0.3 });
    rig.marathon.play(2, wrongPort);
    rig.marathon.fail('deployments', away());
    await expect(rig.deploy('d2')).rejects.toThrow('Marathon is away.');
    await rig.deploy('d2');
    expect((await rig.endOf('d2')).reason).toBe(
      'not healthy after 0.3 s, back to release 1: listens on 3000, checked 8080',
    );
  });

  it('says both when Marathon does not take the old definition back', async () => {
    await rig.firstRelease();
    await rig.follow({ id: 'd2', order: 2, deadline: 0 });
    rig.marathon.play(2, wrongPort);
    const refusal = new InputError('Marathon refuses it.', { code: 'E_MARATHON_INPUT' });
    let sent = 0;
    rig.marathon.onCall = (call) => {
      if (call === 'putApp' && ++sent === 2) rig.marathon.fail('putApp', refusal);
    };
    expect(await rig.deploy('d2')).toEqual([{ type: 'deployment.failed', deployment: 'd2' }]);
    expect((await rig.endOf('d2')).reason).toBe(
      'listens on 3000, checked 8080; the way back failed: Marathon refuses it.',
    );
  });
});

it('the way back waits for a Marathon that takes nothing for a moment', async () => {
  await rig.firstRelease();
  await rig.follow({ id: 'd2', order: 2, deadline: 0.3 });
  rig.marathon.play(2, wrongPort);
  const message = 'Max number (1) of running deployments is achieved.';
  const refusal = new RemoteError(message, { code: 'E_MARATHON_BUSY' });
  let sent = 0;
  rig.marathon.onCall = (call) => {
    if (call === 'putApp' && ++sent === 2) rig.marathon.fail('putApp', refusal);
  };
  expect(await rig.deploy('d2')).toMatchObject([{ type: 'deployment.failed' }]);
  expect((await rig.endOf('d2')).reason).toMatch(/^not healthy after 0.3 s, back to release 1/);
});

describe('a newer deployment', () => {
  it('keeps an older one from being sent', async () => {
    await rig.follow({ id: 'new', order: 2, sha: 'ffff567890abcdef' });
    await rig.follow({ id: 'old', order: 1 });
    expect(await rig.deploy('old')).toEqual([{ type: 'deployment.superseded', deployment: 'old' }]);
    expect(rig.marathon.writes).toEqual([]);
    expect(await rig.endOf('old')).toEqual({
      state: 'superseded',
      reason: 'superseded by ffff567890ab',
    });
  });

  it('ends the watch over an older one, which is not reversed', async () => {
    await rig.firstRelease();
    await rig.follow({ id: 'd2', order: 2 });
    rig.marathon.play(2, wrongPort);
    let looks = 0;
    rig.marathon.onCall = async (call) => {
      const isSent = rig.marathon.writes.length > 0;
      if (call === 'app' && isSent && ++looks === 2) await rig.follow({ id: 'd3', order: 3 });
    };
    expect(await rig.deploy('d2')).toEqual([{ type: 'deployment.superseded', deployment: 'd2' }]);
    expect(rig.marathon.writes).toEqual([`PUT ${app} release 2 force`]);
  });

  it('that comes at the deadline is not reversed away', async () => {
    await rig.firstRelease();
    await rig.follow({ id: 'd2', order: 2, deadline: 0 });
    rig.marathon.play(2, wrongPort);
    const explain = async () => {
      await rig.follow({ id: 'd3', order: 3 });
      return 'listens on 3000';
    };
    expect(await rig.deploy('d2', { explain })).toEqual([
      { type: 'deployment.failed', deployment: 'd2' },
    ]);
    expect(rig.marathon.writes).toEqual([`PUT ${app} release 2 force`]);
    const reason = 'not healthy after 0 s, superseded by 0123456789ab: listens on 3000';
    expect((await rig.endOf('d2')).reason).toBe(reason);
    expect(await rig.stores.releases.standing(app, 2)).toMatchObject({
      state: 'bad',
      reason: 'not healthy after 0 s: listens on 3000',
    });
  });
});
