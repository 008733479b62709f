/** Rolling and canary on a Marathon that ends old instances at once: what is sent and shared in which order. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Deployment } from '../../src/core/deployment.ts';
import { RemoteError } from '../../src/core/errors.ts';
import type { Strategy } from '../../src/core/manifest.ts';
import { eachWithRig, type OperationsRig, web } from './operations-rig.ts';
import { app, away, wrongPort } from './rig.ts';
import { sampleService } from './sample.ts';

let rig: OperationsRig;
/** Writes to Marathon and shares of requests, in their order. */
let seen: string[];

eachWithRig((fresh) => {
  rig = fresh;
});
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
  await rig.firstRelease();
});

const alt = `${app}.alt`;
const four = sampleService({ instances: 4 });

function follow(id: string, order: number, more: Partial<Deployment> = {}) {
  return rig.follow({ id, order, sha: id.repeat(20), ...more });
}

/** Release 2 in four instances with room for two more, after which `seen` begins anew. */
async function fourOfThem(): Promise<void> {
  await follow('d2', 2, { service: four });
  await rig.deploy('d2');
  seen.length = 0;
  rig.marathon.room = 6;
}

/** Two of release 3 took the place of two of release 2, and then none of it is well any more. */
async function halfMoved(more: Partial<Deployment> = {}) {
  await fourOfThem();
  await follow('d3', 3, { service: four, ...more });
  rig.marathon.onCall = () => {
    if (seen.some((line) => line.startsWith('KILL'))) rig.marathon.play(3, wrongPort);
  };
  const deploying = rig.deploy('d3');
  await expect.poll(() => rig.marathon.instancesOf(alt)).toBe(2);
  return { deploying };
}

const placeOf = async (id: string) => (await rig.stores.deployments.find(id))?.places?.[0];

describe('rolling', () => {
  it('has new instances come as a second app, and ends the first once it gets nothing', async () => {
    await follow('d2', 2);
    expect(await rig.deploy('d2')).toEqual([{ type: 'deployment.succeeded', deployment: 'd2' }]);
    expect(seen).toEqual([
      'SHARE 1 0',
      `PUT ${alt} release 2 force`,
      'SHARE 1 1',
      'SHARE 0 1',
      `DELETE ${app} force`,
    ]);
    expect(await placeOf('d2')).toMatchObject({ state: 'done', strategy: 'rolling', beside: 1 });
    expect(await rig.stores.releases.lastGood(app)).toMatchObject({ number: 2 });
  });

  it('ends as many old ones as new ones are healthy where all have no room', async () => {
    await fourOfThem();
    await follow('d3', 3, { service: four });
    await rig.deploy('d3');
    expect(seen).toEqual([
      'SHARE 0 1',
      `PUT ${app} release 3 force`,
      'SHARE 1 1',
      `KILL 2 and scale ${alt}`,
      'SHARE 1 0',
      `DELETE ${alt} force`,
    ]);
  });

  it('takes back what does not become healthy, and has not touched the old ones', async () => {
    rig.marathon.play(2, wrongPort);
    await follow('d2', 2, { deadline: 0.3 });
    await rig.deploy('d2');
    expect(await rig.endOf('d2')).toMatchObject({ state: 'failed' });
    expect(seen.slice(3)).toEqual(['SHARE 1 0', `DELETE ${alt} force`]);
    expect([rig.marathon.releaseOf(app), rig.marathon.instancesOf(app)]).toEqual(['1', 1]);
  });

  it('brings back those that gave way before it takes the requests from the new ones', async () => {
    const { deploying } = await halfMoved({ deadline: 0.5 });
    await deploying;
    expect(await rig.endOf('d3')).toMatchObject({ state: 'failed' });
    expect(seen.slice(4)).toEqual([`SCALE 4 ${alt}`, 'SHARE 0 1', `DELETE ${app} force`]);
    expect([rig.marathon.releaseOf(alt), rig.marathon.instancesOf(alt)]).toEqual(['2', 4]);
  });

  it('that a newer push overtakes half way leaves no gap either', async () => {
    const { deploying } = await halfMoved();
    await follow('d4', 4, { service: four });
    await rig.deploy('d4');
    expect(await deploying).toMatchObject([{ type: 'deployment.superseded' }]);
    expect(seen.slice(4, 8)).toEqual([
      `SCALE 4 ${alt}`,
      'SHARE 0 1',
      `DELETE ${app} force`,
      'SHARE 0 1',
    ]);
    expect([
      rig.marathon.releaseOf(app),
      rig.marathon.instancesOf(app),
      rig.marathon.releaseOf(alt),
    ]).toEqual(['4', 4, undefined]);
  });

  it.each(['putApp', 'deleteApp'] as const)(
    'goes on where it was when the answer to %s was lost with the process',
    async (call) => {
      rig.marathon.fail(call, away(), { after: true });
      await follow('d2', 2);
      await expect(rig.deploy('d2')).rejects.toThrow('away');
      expect(await rig.deploy('d2')).toMatchObject([{ type: 'deployment.succeeded' }]);
      expect([rig.marathon.releaseOf(app), rig.marathon.releaseOf(alt)]).toEqual([undefined, '2']);
      expect(await rig.stores.traffic.find(app)).toMatchObject({ [`${alt}@default`]: 1 });
    },
  );

  it('is what Marathon does where no balancer knows the service', async () => {
    await follow('d2', 2, { service: sampleService({ ports: [] }) });
    await rig.deploy('d2');
    expect(seen).toEqual([`PUT ${app} release 2 force`]);
  });

  it('is the same on a Marathon that lets nobody read about itself', async () => {
    rig.marathon.info = async () => {
      throw new RemoteError('Not for you.', { code: 'E_MARATHON_AUTH', retryable: false });
    };
    await follow('d2', 2);
    await rig.deploy('d2');
    expect([rig.marathon.releaseOf(app), rig.marathon.releaseOf(alt)]).toEqual([undefined, '2']);
  });
});

it('a canary grows to all of them, and the old ones go', async () => {
  await fourOfThem();
  rig.marathon.room = Number.MAX_SAFE_INTEGER;
  const strategy: Strategy = { kind: 'canary', instances: 1, hold: 0 };
  await follow('d3', 3, { service: four, deploy: { strategy, order: 'sequence' } });
  await rig.deploy('d3');
  expect(seen).toEqual([
    'SHARE 0 1',
    `PUT ${app} release 3 force`,
    'SHARE 1 1',
    `SCALE 4 ${app}`,
    'SHARE 1 1',
    'SHARE 1 0',
    `DELETE ${alt} force`,
  ]);
  expect(await placeOf('d3')).toMatchObject({ state: 'done', strategy: 'canary', beside: 4 });
});

it('nobody scales it while it moves', async () => {
  const { deploying } = await halfMoved();
  const scaled = rig.operations.scale(web, { instances: 5, by: 'ada' });
  await expect(scaled).rejects.toMatchObject({ code: 'E_DEPLOYING', status: 409 });
  rig.marathon.onCall = () => undefined;
  rig.marathon.play(3, { healthCheckResults: [{ alive: true }] });
  await deploying;
});

describe('a restart', () => {
  it('is a deployment of what runs, which no freeze holds', async () => {
    await rig.operations.restart(web, 'ada');
    const [deployment] = (await rig.stores.deployments.list(7, { limit: 1 })).items;
    expect(deployment).toMatchObject({ kind: 'redeploy', by: 'ada', override: true });
    await rig.deploy(deployment?.id ?? '');
    expect(seen[1]).toBe(`PUT ${alt} release 2 force`);
    expect([rig.marathon.releaseOf(app), rig.marathon.releaseOf(alt)]).toEqual([undefined, '2']);
  });

  it('tries nothing and runs no command, whatever the manifest has for new commits', async () => {
    const strategy: Strategy = { kind: 'canary', instances: 1, hold: 0 };
    await follow('d2', 2, { deploy: { strategy, order: 'sequence', before: 'migrate' } });
    await rig.deploy('d2');
    await rig.operations.restart(web, 'ada');
    const [deployment] = (await rig.stores.deployments.list(7, { limit: 1 })).items;
    const ran: string[] = [];
    const run = async ({ when }: { when: string }) => {
      ran.push(when);
      return undefined;
    };
    await rig.deploy(deployment?.id ?? '', { commands: { run } });
    expect(ran).toEqual([]);
    expect(await placeOf(deployment?.id ?? '')).toMatchObject({
      state: 'done',
      strategy: 'rolling',
    });
  });

  it('waits until what is deployed has ended', async () => {
    await follow('d2', 2);
    const restarted = rig.operations.restart(web, 'ada');
    await expect(restarted).rejects.toMatchObject({ code: 'E_DEPLOYING', status: 409 });
    expect(seen).toEqual([]);
  });

  it('is left to Marathon where no balancer knows the service', async () => {
    await follow('d2', 2, { service: sampleService({ ports: [] }) });
    await rig.deploy('d2');
    await rig.operations.restart(web, 'ada');
    expect(seen.at(-1)).toBe(`RESTART ${app}`);
  });
});
