/** What people, pushes and crashes do to a rollout beside, on a Marathon that ends old instances at once. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Deployment } from '../../src/core/deployment.ts';
import { silent } from '../../src/core/log.ts';
import type { Strategy } from '../../src/core/manifest.ts';
import { catchUp } from '../../src/deploy/rollout/catching-up.ts';
import { eachWithRig, type OperationsRig, web } from './operations-rig.ts';
import { app, away, wrongPort } from './rig.ts';
import { sampleService } from './sample.ts';

let rig: OperationsRig;
/** Writes to Marathon and shares of requests, in their order. */
let seen: string[];

eachWithRig((fresh) => {
  rig = fresh;
});

const alt = `${app}.alt`;
const four = sampleService({ instances: 4 });

function follow(id: string, order: number, more: Partial<Deployment> = {}) {
  return rig.follow({ id, order, sha: id.repeat(20), service: four, ...more });
}

/** Release 1 in four instances with room for two more. */
beforeEach(async () => {
  rig.marathon.buildref = 'unknown';
  seen = rig.marathon.writes;
  const { traffic } = rig.stores;
  const { save } = traffic;
  traffic.save = async (service, weights) => {
    const [live = 0, other = 0] = [app, alt].map((id) => weights[`${id}@default`]);
    seen.push(`SHARE ${live} ${other}`);
    await save(service, weights);
  };
  await follow('d1', 1);
  await rig.deploy('d1');
  seen.length = 0;
  rig.marathon.room = 6;
});

/** Two of release 2 took the place of two of release 1, and then none of it is well any more. */
async function halfMoved(more: Partial<Deployment> = {}) {
  await follow('d2', 2, more);
  rig.marathon.onCall = () => {
    if (seen.some((line) => line.startsWith('KILL'))) rig.marathon.play(2, wrongPort);
  };
  const deploying = rig.deploy('d2');
  await expect.poll(() => rig.marathon.instancesOf(app)).toBe(2);
  return { deploying };
}

const manual: Strategy = { kind: 'canary', instances: 1, hold: 'manual' };

/** A canary of one that gets requests and waits for a word. */
async function holding() {
  await follow('d2', 2, { deploy: { strategy: manual, order: 'sequence' } });
  const deploying = rig.deploy('d2');
  const stateOf = async () => (await rig.stores.deployments.find('d2'))?.places?.[0]?.state;
  await expect.poll(stateOf).toBe('holding');
  return { deploying };
}

const say = (go: 'on' | 'back') =>
  rig.operations.decide({ project: web.project, id: 'd2', go, by: 'ada' });

describe('a push that takes over half way', () => {
  it('keeps as many as there were before the first one', async () => {
    const { deploying } = await halfMoved();
    await follow('d3', 3);
    await rig.deploy('d3');
    await deploying;
    expect((await rig.stores.deployments.find('d3'))?.places?.[0]).toMatchObject({ beside: 4 });
    expect(seen.filter((line) => line.startsWith('KILL'))).not.toContain(`KILL 4 and scale ${app}`);
  });

  it('keeps what answers all requests already as a release to go back to', async () => {
    await follow('d2', 2);
    const deploying = rig.deploy('d2', {
      isFree: async () => {
        const up = (await rig.stores.deployments.find('d2'))?.places?.[0]?.up;
        if (up === undefined) return true;
        if ((await rig.stores.deployments.leader(app)) === 'd2') await follow('d3', 3);
        return true;
      },
    });
    expect(await deploying).toMatchObject([{ type: 'deployment.succeeded' }]);
    expect(await rig.stores.releases.lastGood(app)).toMatchObject({ number: 2 });
  });
});

it('a rollback to what serves still starts none of it anew', async () => {
  const { deploying } = await halfMoved();
  await follow('d3', 2, { kind: 'rollback', release: 1, by: 'ada' });
  await rig.deploy('d3');
  await deploying;
  expect(seen.slice(4, 8)).toEqual([
    `SCALE 4 ${app}`,
    'SHARE 1 0',
    `DELETE ${alt} force`,
    'SHARE 1 0',
  ]);
  expect([rig.marathon.releaseOf(app), rig.marathon.instancesOf(app)]).toEqual(['1', 4]);
});

it('what was switched stays so for a process that goes on', async () => {
  rig.marathon.room = Number.MAX_SAFE_INTEGER;
  rig.marathon.fail('deleteApp', away(), { after: false });
  await follow('d2', 2);
  await expect(rig.deploy('d2')).rejects.toThrow('away');
  seen.length = 0;
  expect(await rig.deploy('d2')).toMatchObject([{ type: 'deployment.succeeded' }]);
  expect(seen).toEqual([`DELETE ${app} force`]);
});

it('nobody takes an instance away for good while it moves', async () => {
  const { deploying } = await halfMoved();
  const [task] = (await rig.marathon.app(app))?.tasks ?? [];
  const killed = rig.operations.kill(web, { instance: task?.id ?? '', replace: false, by: 'ada' });
  await expect(killed).rejects.toMatchObject({ code: 'E_DEPLOYING', status: 409 });
  expect(await rig.stores.scales.find(app)).toBeUndefined();
  rig.marathon.onCall = () => undefined;
  rig.marathon.play(2, { healthCheckResults: [{ alive: true }] });
  await deploying;
});

describe('a canary that somebody scales while it is looked at', () => {
  it.each([
    ['less', 2],
    ['more', 5],
  ])('has %s when it is taken back', async (_, instances) => {
    const { deploying } = await holding();
    await rig.operations.scale(web, { instances, by: 'ada' });
    await say('back');
    await deploying;
    expect([
      rig.marathon.releaseOf(app),
      rig.marathon.instancesOf(app),
      rig.marathon.releaseOf(alt),
    ]).toEqual(['1', instances, undefined]);
  });

  it('goes on with the number of now', async () => {
    const { deploying } = await holding();
    await rig.operations.scale(web, { instances: 2, by: 'ada' });
    rig.marathon.room = 3;
    await say('on');
    await deploying;
    expect(await rig.endOf('d2')).toMatchObject({ state: 'succeeded' });
    expect([
      rig.marathon.releaseOf(alt),
      rig.marathon.instancesOf(alt),
      rig.marathon.releaseOf(app),
    ]).toEqual(['2', 2, undefined]);
  });
});

it('a canary of all requests does not send any back to the old ones', async () => {
  rig.marathon.room = Number.MAX_SAFE_INTEGER;
  const strategy: Strategy = { kind: 'canary', instances: '100%', hold: 0 };
  const percents: unknown[] = [];
  const { save } = rig.stores.traffic;
  rig.stores.traffic.save = async (service, weights) => {
    percents.push([weights[`${app}@default`], weights[`${alt}@default%`]]);
    await save(service, weights);
  };
  await follow('d2', 2, { deploy: { strategy, order: 'sequence' } });
  await rig.deploy('d2');
  expect(percents.slice(1)).toEqual([
    [1, 100],
    [1, 100],
    [0, undefined],
  ]);
});

/** Room for five, which the second app keeps, and a Marathon that waits until all of that are healthy. */
function playNoRoom() {
  const { app: show, scale } = rig.marathon;
  rig.marathon.room = Number.MAX_SAFE_INTEGER;
  let kept = 0;
  let waits = true;
  rig.marathon.app = async (id) => {
    const found = await show(id);
    const [old, fresh] = [app, alt].map((each) => Number(rig.marathon.instancesOf(each) ?? 0));
    kept = Math.min(fresh ?? 0, Math.max(kept, 5 - (old ?? 0)));
    found?.tasks.splice(id === alt ? kept : 5 - kept);
    return found;
  };
  rig.marathon.onCall = () => {
    if (rig.marathon.instancesOf(app) === 2) rig.marathon.play(2, wrongPort);
    if (waits && rig.marathon.instancesOf(alt) === 4) rig.marathon.locked.add(alt);
  };
  rig.marathon.scale = async (id, instances, options) => {
    if (options?.force && id === alt) {
      waits = false;
      rig.marathon.locked.delete(alt);
    }
    return scale(id, instances, options);
  };
}

it('a way back without room takes it from what was to come', async () => {
  playNoRoom();
  await follow('d2', 2, { deadline: 1 });
  await rig.deploy('d2');
  expect(seen.slice(seen.indexOf(`SCALE 3 ${alt}`))).toEqual([
    `SCALE 3 ${alt}`,
    `SCALE 4 ${app}`,
    `KILL 1 and scale ${alt}`,
    `KILL 1 and scale ${alt}`,
    'SHARE 1 0',
    `DELETE ${alt} force`,
  ]);
});

it('a way back that came to no end has its number of instances later', async () => {
  const { deploying } = await halfMoved({ deadline: 0.5 });
  const { scale } = rig.marathon;
  rig.marathon.scale = async () => {
    throw away();
  };
  await expect(deploying).rejects.toThrow('away');
  await rig.deploy('d2', { last: true });
  expect(await rig.endOf('d2')).toMatchObject({ state: 'failed' });
  rig.marathon.scale = scale;
  await catchUp({
    ...{ ...rig.stores, ...rig.stores.locks, dataCentres: rig.dataCentres, install: 'lab' },
    ...{ isFree: rig.stores.balancers.isFree, log: silent, patience: 500, lastRequests: 0 },
  });
  expect([
    rig.marathon.releaseOf(app),
    rig.marathon.instancesOf(app),
    rig.marathon.releaseOf(alt),
  ]).toEqual(['1', 4, undefined]);
});
