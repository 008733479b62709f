/** The third leg: what is sent to Marathon, watched and noted down. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { reasonNow } from '../../src/core/deployment.ts';
import { InputError, RemoteError } from '../../src/core/errors.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';
import { app, away, createRig, type Rig, wrongPort } from './rig.ts';
import { sampleDeployment, sampleService } from './sample.ts';

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

describe('a deployment that becomes healthy', () => {
  it('is started, watched and ended, with its legs one after the other', async () => {
    await rig.follow({ id: 'd1' });
    expect(await rig.deploy('d1')).toEqual([{ type: 'deployment.succeeded', deployment: 'd1' }]);
    expect(rig.events).toEqual([{ type: 'deployment.started', deployment: 'd1' }]);
    expect(rig.marathon.writes).toEqual([`PUT ${app} release 1 force`]);
    const done = await rig.stores.deployments.find('d1');
    expect(done).toMatchObject({
      state: 'succeeded',
      release: 1,
      addresses: ['http://shop-cart.apps.test'],
      places: [{ dataCentre: 'default', state: 'done', sent: { deployment: 'deployment-1' } }],
    });
    expect(done?.legs.map(({ name }) => name)).toEqual(['deploy', 'health', 'route']);
    const [deployed, healthy, routed] = done?.legs ?? [];
    expect(healthy?.start).toBe(deployed?.end);
    expect(routed?.start).toBe(healthy?.end);
    expect(routed?.end).toBeGreaterThanOrEqual(routed?.start ?? Number.POSITIVE_INFINITY);
    expect(await rig.stores.releases.lastGood(app)).toMatchObject({
      number: 1,
      sha: sampleDeployment().sha,
      definition: rig.marathon.definitionOf(app),
    });
  });

  it('waits until every instance is healthy', async () => {
    await rig.follow({ id: 'd1', service: sampleService({ instances: 2 }) });
    rig.marathon.play(1, { state: 'TASK_STAGING' });
    let looks = 0;
    rig.marathon.onCall = (call) => {
      if (call === 'app' && ++looks === 2) rig.marathon.play(1, {});
      if (looks === 3) rig.marathon.play(1, { healthCheckResults: [{ alive: true }] });
    };
    expect(await rig.deploy('d1')).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(looks).toBeGreaterThanOrEqual(3);
  });

  it('waits until the balancers send requests to its instances', async () => {
    await rig.follow({ id: 'd1' });
    const asked: string[][] = [];
    const isRouted = async (_: string, instances: string[]) => asked.push(instances) === 3;
    expect(await rig.deploy('d1', { isRouted })).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(asked).toHaveLength(3);
    expect(asked[0]).toEqual([expect.stringContaining(app)]);
  });

  it('waits until the balancers have left the old ones, which Marathon ends later', async () => {
    await rig.firstRelease();
    const { app: show } = rig.marathon;
    const [old] = (await show(app))?.tasks ?? [];
    rig.marathon.app = async (id, options) => {
      const found = await show(id, options);
      return found && old ? { ...found, tasks: [...found.tasks, old] } : found;
    };
    const asked: string[][] = [];
    const isFree = async (_: string, instances: string[]) => asked.push(instances) === 3;
    await rig.follow({ id: 'd2', order: 2, sha: '2'.repeat(40) });
    expect(await rig.deploy('d2', { isFree })).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(asked).toEqual([[old?.id], [old?.id], [old?.id]]);
  });

  it('says so where no balancer follows', async () => {
    await rig.follow({ id: 'd1' });
    const change = { isRouted: async () => false, routePatience: 50 };
    expect(await rig.deploy('d1', change)).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(await rig.stores.deployments.find('d1')).toMatchObject({
      state: 'succeeded',
      reason: 'healthy, but no balancer sends it requests yet',
    });
  });

  it('does not ask the balancers about a worker', async () => {
    await rig.follow({ id: 'd1', service: sampleService({ ports: [] }) });
    const isRouted = async () => {
      throw new Error('a worker has no route');
    };
    expect(await rig.deploy('d1', { isRouted })).toMatchObject([{ type: 'deployment.succeeded' }]);
  });
});

describe('when Marathon is away', () => {
  it('throws for another try, which goes on without sending again', async () => {
    await rig.follow({ id: 'd1' });
    rig.marathon.fail('app', away());
    await expect(rig.deploy('d1')).rejects.toThrow('Marathon is away.');
    expect(await rig.endOf('d1')).toMatchObject({ state: 'running' });
    rig.events.length = 0;
    expect(await rig.deploy('d1')).toEqual([{ type: 'deployment.succeeded', deployment: 'd1' }]);
    expect(rig.marathon.writes).toEqual([`PUT ${app} release 1 force`]);
    expect(rig.events).toEqual([]);
  });

  it('takes the same release again when the first try could not send', async () => {
    await rig.follow({ id: 'd1' });
    rig.marathon.fail('putApp', away());
    await expect(rig.deploy('d1')).rejects.toThrow('Marathon is away.');
    expect(await rig.deploy('d1')).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(rig.marathon.writes).toEqual([`PUT ${app} release 1 force`]);
    const where = { project: 7, environment: 'production' };
    expect(await rig.stores.releases.number(where, 'another')).toBe(2);
  });

  it('recognizes its instances when only the answer to the definition was lost', async () => {
    await rig.follow({ id: 'd1', deadline: 1 });
    rig.marathon.fail('putApp', away(), { after: true });
    await expect(rig.deploy('d1')).rejects.toThrow('Marathon is away.');
    expect(await rig.deploy('d1')).toEqual([{ type: 'deployment.succeeded', deployment: 'd1' }]);
    expect(rig.marathon.writes).toEqual([`PUT ${app} release 1 force`]);
  });

  it('says what it waits for until it is tried again', async () => {
    await rig.follow({ id: 'd1' });
    const now = async () => {
      const found = await rig.stores.deployments.find('d1');
      return found && reasonNow(found);
    };
    expect(await now()).toBe('waits for a free place of the role deploy');
    rig.marathon.fail('putApp', away());
    await expect(rig.deploy('d1')).rejects.toThrow('Marathon is away.');
    expect(await now()).toBe('Marathon is away; it is tried again');
    await rig.deploy('d1');
    expect(await now()).toBeUndefined();
  });

  it('says so in the end', async () => {
    await rig.follow({ id: 'd1' });
    rig.marathon.fail('putApp', away());
    expect(await rig.deploy('d1', { last: true })).toMatchObject([{ type: 'deployment.failed' }]);
    expect((await rig.endOf('d1')).reason).toBe('Marathon is away.');
  });
});

describe('otherwise', () => {
  it('a definition that Marathon refuses fails at once, with its reason', async () => {
    await rig.follow({ id: 'd1' });
    const message = 'Marathon refuses PUT /v2/apps/x: Object is not valid (/mem too large)';
    rig.marathon.fail('putApp', new InputError(message, { code: 'E_MARATHON_INPUT' }));
    expect(await rig.deploy('d1')).toEqual([{ type: 'deployment.failed', deployment: 'd1' }]);
    expect(await rig.endOf('d1')).toEqual({ state: 'failed', reason: message });
    expect(rig.marathon.writes).toEqual([]);
  });

  it('nonsense from Marathon in the middle of the watch is no end', async () => {
    await rig.follow({ id: 'd1' });
    const details = { code: 'E_MARATHON_500', retryable: false };
    rig.marathon.fail('app', new RemoteError('Marathon answers 500.', details));
    await expect(rig.deploy('d1')).rejects.toMatchObject({ retryable: true });
    expect(await rig.deploy('d1')).toEqual([{ type: 'deployment.succeeded', deployment: 'd1' }]);
  });

  it('an abort is thrown, and the record stays open', async () => {
    await rig.follow({ id: 'd1' });
    rig.marathon.play(1, wrongPort);
    const stopping = new AbortController();
    rig.marathon.onCall = (call) => call === 'app' && stopping.abort(new Error('stopping'));
    await expect(rig.deploy('d1', { signal: stopping.signal, last: true })).rejects.toThrow(
      'stopping',
    );
    expect(await rig.endOf('d1')).toEqual({ state: 'running', reason: undefined });
  });

  it('an app that is taken down meanwhile ends the deployment', async () => {
    await rig.follow({ id: 'd1' });
    rig.marathon.play(1, wrongPort);
    let looks = 0;
    rig.marathon.onCall = async (call) => {
      const isSent = rig.marathon.writes.length > 0;
      if (call === 'app' && isSent && ++looks === 2) await rig.stores.deployments.forget(app);
    };
    expect(await rig.deploy('d1')).toEqual([{ type: 'deployment.superseded', deployment: 'd1' }]);
    expect((await rig.endOf('d1')).reason).toBe('the app was taken down');
    expect(rig.marathon.writes).toHaveLength(1);
  });

  it('asked again after its end, it says the end again and does nothing', async () => {
    await rig.follow({ id: 'd1' });
    await rig.deploy('d1');
    expect(await rig.deploy('d1')).toEqual([{ type: 'deployment.succeeded', deployment: 'd1' }]);
    expect(rig.marathon.writes).toHaveLength(1);
    expect(await rig.deploy('unknown')).toEqual([]);
  });
});
