/** The line of builds over Redis and BullMQ: in which order they begin, and what is said of them meanwhile. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createBuildLine } from '../src/build-line.ts';
import type { BuildPlan } from '../src/core/build.ts';
import type { Arrival } from '../src/core/event.ts';
import { silent } from '../src/core/log.ts';
import { describeWaiting } from '../src/core/waiting.ts';
import { type RedisStores, startRedisStores } from './fakes/redis-stores.ts';
import { sampleBuild } from './support/samples.ts';

const patience = { timeout: 25_000, interval: 20 };

let redis: RedisStores;
beforeAll(async () => {
  redis = await startRedisStores();
});
afterAll(() => redis.stop());

function open({ slots = 1 } = {}) {
  const stores = redis.fresh();
  /** What was told of each build, one after the other. */
  const told: string[] = [];
  const report = {
    async build(id: string) {
      const build = await stores.builds.find(id);
      told.push(`${id} ${build ? describeWaiting(build) : ''}`);
    },
  };
  const line = createBuildLine({
    ...{ stores, report, log: silent },
    ...{ host: { name: 'here', slots }, every: 30 },
  });
  return {
    ...{ stores, line, told },
    /** As the relay does with a build that is resolved. */
    async push(...ids: string[]) {
      for (const id of ids) {
        const environments = [id.startsWith('P') ? 'production' : 'review'];
        const plan = { environments } as BuildPlan;
        await stores.builds.create(sampleBuild({ id, project: id.charCodeAt(1), plan }));
        const priority = await line.enter(id);
        await stores.queues.build.add({ build: id }, { id, priority });
      }
    },
    /** Takes builds up, each of which lasts until it is let go; answers those that began. */
    work() {
      const begun: string[] = [];
      const release = new Map<string, () => void>();
      const worker = stores.queues.build.work(
        async ({ build }) => {
          await stores.builds.start(build);
          await line.begin(build);
          begun.push(build);
          await new Promise<void>((done) => release.set(build, done));
          await stores.builds.end(build, 'succeeded');
        },
        { concurrency: slots },
      );
      onTestFinished(async () => {
        const stopping = worker.stop();
        const letGo = setInterval(() => {
          for (const done of release.values()) done();
        }, 10);
        await stopping;
        clearInterval(letGo);
      });
      /** Waits until so many began, then lets all of them end. */
      const step = async (count: number) => {
        await expect.poll(() => begun.length, patience).toBeGreaterThanOrEqual(count);
        for (const done of release.values()) done();
      };
      return { begun, step };
    },
    async keepTrue() {
      const stop = await line.keepTrue(() => undefined);
      onTestFinished(stop);
    },
    async orderOf() {
      return (await stores.queues.build.line()).waiting;
    },
  };
}

const many = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name}${index}`);

describe('whose build begins', () => {
  test('with one slot, who comes to fifty builds waits for the one that runs', async () => {
    const { push, work } = open();
    await push(...many('ra', 50));
    const { begun, step } = work();
    await expect.poll(() => begun, patience).toEqual(['ra0']);
    await push('rb0', 'rb1', 'rc0');
    for (const count of [1, 2, 3, 4, 5, 6]) await step(count);
    await expect.poll(() => begun.length, patience).toBeGreaterThanOrEqual(6);
    expect(begun.slice(0, 6)).toEqual(['ra0', 'rb0', 'rc0', 'ra1', 'rb1', 'ra2']);
  });

  test('with two slots, too', async () => {
    const { push, work } = open({ slots: 2 });
    await push(...many('ra', 50));
    const { begun, step } = work();
    await expect.poll(() => begun.toSorted(), patience).toEqual(['ra0', 'ra1']);
    await push('rb0', 'rc0', 'rd0');
    await step(2);
    await step(4);
    await expect.poll(() => begun.length, patience).toBeGreaterThanOrEqual(5);
    expect(begun.slice(2, 5).toSorted()).toEqual(['rb0', 'rc0', 'rd0']);
  });

  test('production overtakes what its project has in line, and others move back', async () => {
    const { push, orderOf } = open();
    await push('ra0', 'ra1', 'rb0', 'rb1', 'Pa2');
    expect(await orderOf()).toEqual(['Pa2', 'rb0', 'ra0', 'rb1', 'ra1']);
  });

  test('is put right again where a move was lost on its way', async () => {
    const { push, orderOf, stores, keepTrue } = open();
    await push('ra0', 'ra1', 'rb0', 'rb1');
    await stores.queues.build.reprioritize('ra0', 2_000);
    await stores.queues.build.reprioritize('rb1', 1);
    expect(await orderOf()).toEqual(['rb1', 'rb0', 'ra1', 'ra0']);
    await keepTrue();
    await expect.poll(orderOf, patience).toEqual(['ra0', 'rb0', 'ra1', 'rb1']);
  });

  test('who is given up leaves the queue, and makes room in its project', async () => {
    const { push, line, orderOf, stores } = open();
    await push('ra0', 'ra1', 'ra2', 'rb0');
    await stores.builds.end('ra0', 'superseded', 'superseded by x');
    await line.leave('ra0');
    expect(await orderOf()).toEqual(['ra1', 'rb0', 'ra2']);
    await line.leave('ra0');
    await line.leave('never');
    expect(await stores.queues.build.count()).toMatchObject({ prioritized: 3, active: 0 });
  });

  test('many who come at once all have their turn, and leave nothing behind', async () => {
    const { stores, line } = open();
    const ids = many('ra', 300);
    for (const id of ids) await stores.builds.create(sampleBuild({ id }));
    const priorities = await Promise.all(ids.map((id) => line.enter(id)));
    expect(new Set(priorities).size).toBe(300);
    await Promise.all(ids.map((id) => line.begin(id)));
    expect((await stores.buildTurns.priorities()).size).toBe(0);
    await Promise.all(ids.map((id) => line.leave(id)));
    expect(await stores.redis.exists(`${stores.prefix}:build-turns`)).toBe(0);
  });
});

describe('what is said of those that wait', () => {
  test('where they stand and how long it takes', async () => {
    const { push, work, told, keepTrue, stores } = open();
    await stores.builders.noteTime('a'.charCodeAt(0), 120_000);
    await push('ra0');
    const { begun } = work();
    await expect.poll(() => begun, patience).toEqual(['ra0']);
    await push('ra1', 'rb0');
    await keepTrue();
    await expect
      .poll(() => told.toSorted(), patience)
      .toEqual([
        'ra1 waits for a builder: 2nd in line, about 4 min',
        'rb0 waits for a builder: 1st in line, about 2 min',
      ]);
    const found = await stores.builds.find('rb0');
    expect(found?.waiting).toEqual({
      position: 1,
      expectedSeconds: 120,
      priority: expect.any(Number),
    });
    expect((await stores.builds.find('ra0'))?.waiting).toBeUndefined();
  });

  test('less often to who is further back', async () => {
    onTestFinished(() => void vi.useRealTimers());
    vi.useFakeTimers({ toFake: ['Date'] });
    const { push, told, line, keepTrue, stores } = open();
    await push(...many('ra', 25));
    await keepTrue();
    const reach = async (count: number) => {
      await expect.poll(() => told.length, patience).toBe(count);
      return told.map((text) => text.split(' ')[0]);
    };
    const goOn = () => vi.setSystemTime(Date.now() + 16_000);
    await reach(25);
    await stores.builds.end('ra0', 'superseded');
    await line.leave('ra0');
    const left = many('ra', 25).slice(1);
    const positions = async () => {
      const builds = await Promise.all(left.map((id) => stores.builds.find(id)));
      return builds.map((build) => build?.waiting?.position);
    };
    await expect.poll(positions, patience).toEqual(left.map((_, index) => index + 1));
    goOn();
    expect((await reach(35)).slice(25)).toEqual(left.slice(0, 10));
    goOn();
    expect((await reach(45)).slice(35)).toEqual(left.slice(10, 20));
    goOn();
    expect((await reach(49)).slice(45)).toEqual(left.slice(20));
  });

  test('why a build was put off', async () => {
    const { told, keepTrue, stores, line } = open();
    await stores.builds.create(sampleBuild({ id: 'ra0', reason: 'waits: no room' }));
    const priority = await line.enter('ra0');
    await stores.queues.build.add({ build: 'ra0' }, { id: 'ra0', priority, delay: 60_000 });
    await keepTrue();
    await expect.poll(() => told, patience).toEqual(['ra0 waits: no room']);
    expect((await stores.builds.find('ra0'))?.waiting).toEqual({ priority });
  });

  test('builds that ended unseen leave no turn behind', async () => {
    const { push, stores, keepTrue } = open();
    await push('ra0', 'ra1');
    await stores.builds.end('ra0', 'canceled');
    await keepTrue();
    const left = async () => [...(await stores.buildTurns.priorities()).keys()];
    await expect.poll(left, patience).toEqual(['ra1']);
  });
});

test('leaves no timer behind where Redis is away at the start', async () => {
  const { line, stores } = open();
  vi.spyOn(stores.builders, 'announce').mockRejectedValue(new Error('away'));
  const timers = vi.spyOn(globalThis, 'setInterval');
  onTestFinished(() => timers.mockRestore());
  await expect(line.keepTrue(() => undefined)).rejects.toThrow('away');
  expect(timers.mock.calls.filter(([, every]) => every === 30)).toEqual([]);
});

describe('builds that the queue does not know', () => {
  test('end as lost, and those that are only about to be queued do not', async () => {
    const { push, stores, told, line, keepTrue } = open();
    await push('ra0', 'rb0');
    await stores.builds.create(sampleBuild({ id: 'rc0', project: 3 }));
    const priority = await line.enter('rc0');
    await stores.builds.start('ra0');
    await stores.queues.build.remove('ra0');
    await keepTrue();
    const count = () => told.length;
    await expect.poll(count, patience).toBeGreaterThan(0);
    await stores.queues.build.add({ build: 'rc0' }, { id: 'rc0', priority });
    const stateOf = async (id: string) => (await stores.builds.find(id))?.state;
    await expect.poll(() => stateOf('ra0'), patience).toBe('failed');
    expect((await stores.builds.find('ra0'))?.reason).toContain('has lost it');
    expect([await stateOf('rb0'), await stateOf('rc0')]).toEqual(['queued', 'queued']);
    const left = async () => (await stores.buildTurns.builds()).toSorted();
    await expect.poll(left, patience).toEqual(['rb0', 'rc0']);
  });

  test('end as lost also where they never came into the line', async () => {
    const { push, stores, told, keepTrue } = open();
    await push('ra0');
    await stores.builds.create(sampleBuild({ id: 'rb0', project: 2 }));
    await keepTrue();
    const stateOf = async (id: string) => (await stores.builds.find(id))?.state;
    await expect.poll(() => stateOf('rb0'), patience).toBe('failed');
    expect(await stateOf('ra0')).toBe('queued');
    await expect.poll(() => told.some((text) => text.startsWith('rb0')), patience).toBe(true);
  });

  test('wait for as long as the push is resolved that they come by', async () => {
    const { push, stores, keepTrue } = open();
    const { arrivals, build } = stores.queues;
    await push('ra0', 'rb0');
    await build.remove('ra0');
    await build.remove('rb0');
    const arrival = { type: 'push.received', build: 'ra0' } as Arrival;
    await arrivals.add(arrival, { id: 'a', delay: 60_000 });
    await keepTrue();
    const stateOf = async (id: string) => (await stores.builds.find(id))?.state;
    await expect.poll(() => stateOf('rb0'), patience).toBe('failed');
    expect(await stateOf('ra0')).toBe('queued');
    await arrivals.remove('a');
    await expect.poll(() => stateOf('ra0'), patience).toBe('failed');
  });
});
