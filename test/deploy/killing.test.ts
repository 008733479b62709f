/** Instances leave the balancers before they are ended, whoever chose them. */
import { describe, expect, it } from 'vitest';
import { victimsOf } from '../../src/deploy/operations/draining.ts';
import { createBalancers } from '../../src/stores/balancers.ts';
import { eachWithRig, type OperationsRig, web } from './operations-rig.ts';
import { app } from './rig.ts';

let rig: OperationsRig;
eachWithRig((fresh) => {
  rig = fresh;
});

const idsOf = async () => ((await rig.marathon.app(app))?.tasks ?? []).map(({ id }) => id);
const drained = async () => (await rig.stores.traffic.all()).get(app) ?? {};

/** A balancer that follows what is kept as soon as it is told. */
function follow(): string[] {
  const { redis, prefix, traffic } = rig.stores;
  const balancers = createBalancers({ redis, prefix });
  const order: string[] = [];
  rig.marathon.onCall = () => undefined;
  const report = async () => {
    const weights = await drained();
    const instances = (await idsOf()).filter((id) => weights[id] !== 0);
    await balancers.report('lb', [{ app, instances }]);
    order.push(`sends to ${instances.length}`);
  };
  const { drain } = traffic;
  traffic.drain = async (...wanted) => {
    await drain(...wanted);
    await report();
  };
  return order;
}

describe('scaling down', () => {
  it('tells the balancers first, and ends just what it told them', async () => {
    await rig.releases(1);
    await rig.operations.scale(web, { instances: 4, by: 'ada' });
    const order = follow();
    await rig.operations.scale(web, { instances: 1, by: 'ada' });
    expect(order).toEqual(['sends to 1']);
    expect(rig.marathon.writes.at(-1)).toBe(`KILL 3 and scale ${app}`);
    expect([rig.instances(), (await rig.stores.scales.find(app))?.instances]).toEqual([
      1,
      undefined,
    ]);
  });

  it('takes nobody out where Marathon is at work on the app', async () => {
    await rig.releases(1);
    await rig.operations.scale(web, { instances: 2, by: 'ada' });
    rig.marathon.locked.add(app);
    await expect(rig.operations.scale(web, { instances: 1, by: 'ada' })).rejects.toMatchObject({
      code: 'E_DEPLOYING',
    });
    expect(await drained()).toEqual({});
  });
});

describe('two at once', () => {
  /** Has `second` asked for once the first is at work, when all is as before. */
  async function together(first: () => Promise<unknown>, second: () => Promise<unknown>) {
    let other: Promise<unknown> | undefined;
    const { drain } = rig.stores.traffic;
    rig.stores.traffic.drain = async (...wanted) => {
      other ??= second();
      await drain(...wanted);
    };
    await first();
    await other;
  }

  it('that scale leave as many as the last one asked for', async () => {
    await rig.releases(1);
    await rig.operations.scale(web, { instances: 6, by: 'ada' });
    const to = (instances: number) => () => rig.operations.scale(web, { instances, by: 'ada' });
    await together(to(4), to(2));
    expect([rig.instances(), (await rig.stores.scales.find(app))?.instances]).toEqual([2, 2]);
  });
});

describe('killing', () => {
  it('an instance leaves its number as it is', async () => {
    await rig.releases(1);
    await rig.operations.scale(web, { instances: 2, by: 'ada' });
    const [first = ''] = await idsOf();
    const order = follow();
    await rig.operations.kill(web, { instance: first, replace: true, by: 'bob' });
    expect(order).toEqual(['sends to 1']);
    expect(rig.marathon.writes.at(-1)).toBe(`KILL 1 ${app}`);
    expect(rig.instances()).toBe(2);
  });

  it('one without replacement is a scale that lasts', async () => {
    await rig.releases(1);
    await rig.operations.scale(web, { instances: 3, by: 'ada' });
    const [first = ''] = await idsOf();
    await rig.operations.kill(web, { instance: first, replace: false, by: 'bob' });
    expect(await rig.stores.scales.find(app)).toMatchObject({ instances: 2, by: 'bob' });
    await rig.push('next', { order: 2 });
    expect(rig.instances()).toBe(2);
  });

  it('one that is not there is refused with those that are', async () => {
    await rig.releases(1);
    const [only = ''] = await idsOf();
    const wanted = { instance: 'gone', replace: true, by: 'bob' };
    await expect(rig.operations.kill(web, wanted)).rejects.toMatchObject({
      ...{ code: 'E_NO_INSTANCE', hint: `It has ${only}.` },
    });
  });

  it('gives the instance its requests back where Marathon refuses', async () => {
    await rig.releases(1);
    const [first = ''] = await idsOf();
    rig.marathon.locked.add(app);
    const wanted = { instance: first, replace: true, by: 'bob' };
    await expect(rig.operations.kill(web, wanted)).rejects.toMatchObject({ code: 'E_DEPLOYING' });
    expect(await drained()).toEqual({});
  });

  it('one that is ending already changes nothing', async () => {
    await rig.releases(1);
    await rig.operations.scale(web, { instances: 3, by: 'ada' });
    rig.marathon.play(1, { state: 'TASK_KILLING' });
    const [first = ''] = await idsOf();
    await rig.operations.kill(web, { instance: first, replace: false, by: 'bob' });
    expect(rig.instances()).toBe(3);
    expect(await rig.stores.scales.find(app)).toMatchObject({ instances: 3, by: 'ada' });
  });

  it('refuses what is no instance of the service', async () => {
    await rig.releases(1);
    const wanted = { instance: 'other', replace: true, by: 'bob' };
    await expect(rig.operations.kill(web, wanted)).rejects.toMatchObject({
      code: 'E_NO_INSTANCE',
      status: 404,
    });
  });
});

describe('victimsOf', () => {
  const task = (id: string, startedAt?: string, state = 'TASK_RUNNING', alive = true) =>
    ({ id, state, startedAt, healthCheckResults: [{ alive }] }) as never;
  const old = task('old', '2026-01-01T00:00:00.000Z');
  const young = task('young', '2026-01-02T00:00:00.000Z');
  const sick = task('sick', '2025-01-01T00:00:00.000Z', 'TASK_RUNNING', false);
  const staging = task('staging', undefined, 'TASK_STAGING');

  it.each([
    ['the youngest goes', [old, young], 1, ['young']],
    ['the unhealthy goes before it', [old, sick, young], 2, ['sick']],
    ['what does not run yet goes first', [old, staging, sick], 1, ['staging', 'sick']],
    ['all go', [old, young], 0, ['young', 'old']],
  ])('%s', (_, tasks, wanted, victims) => {
    expect(victimsOf({ tasks, instances: tasks.length }, wanted)).toEqual(victims);
  });

  it('leaves it to Marathon while instances are missing, and where none has to go', () => {
    expect(victimsOf({ tasks: [old], instances: 2 }, 1)).toBeUndefined();
    expect(victimsOf({ tasks: [old], instances: 1 }, 1)).toBeUndefined();
  });
});
