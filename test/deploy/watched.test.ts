/** Instances that have all requests already are looked at while the deployment is still at work elsewhere. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { DeploySpec } from '../../src/core/manifest.ts';
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
beforeEach(async () => {
  rig = createRig(redis.fresh(), ['east', 'west']);
  await rig.firstRelease();
});

const alt = `${app}.alt`;
const east = () => rig.marathonAt('east');
const west = () => rig.marathonAt('west');
const states = async () =>
  (await rig.stores.deployments.find('d2'))?.places?.map(({ state }) => state);
const releaseAt = (name: string, id = app) =>
  (rig.marathonAt(name).definitionOf(id)?.['labels'] as Record<string, string>)?.['ekiden.release'];

/** Release 2 beside release 1, with a deadline that no test waits for. */
async function follow(more: Partial<DeploySpec> = {}) {
  const strategy = { kind: 'blue-green' as const, keep: 600 };
  const deploy = { order: 'sequence' as const, strategy, ...more };
  await rig.follow({ id: 'd2', order: 2, sha: 'b'.repeat(40), deadline: 600, deploy });
}

async function expectReturned(deploying: Promise<unknown>) {
  expect(await deploying).toMatchObject([{ type: 'deployment.failed' }]);
  expect((await rig.endOf('d2')).reason).toBe(
    'an instance did not stay healthy, back to release 1: listens on 3000, checked 8080',
  );
  for (const name of ['east', 'west']) {
    expect([releaseAt(name), releaseAt(name, alt)]).toEqual(['1', undefined]);
  }
}

it.each(['sequence', 'together'] as const)(
  'while it is brought to another one: %s',
  async (order) => {
    await follow({ order });
    west().play(2, { state: 'TASK_STAGING' });
    const deploying = rig.deploy('d2');
    await expect.poll(states).toEqual(['holding', 'trial']);
    east().play(2, wrongPort);
    await expectReturned(deploying);
  },
);

it('while another one is looked at before its old instances go', async () => {
  await follow();
  const deploying = rig.deploy('d2');
  await expect.poll(states).toEqual(['holding', 'holding']);
  west().play(2, wrongPort);
  await expectReturned(deploying);
});

it('while the command after it runs', async () => {
  await follow({ after: 'warm' });
  let begin = () => {};
  const hasBegun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const commands = {
    async run({ when }: { when: string }, signal: AbortSignal) {
      if (when === 'before') return undefined;
      begin();
      return new Promise<undefined>((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    },
  };
  const deploying = rig.deploy('d2', { commands });
  await hasBegun;
  east().play(2, wrongPort);
  await expectReturned(deploying);
});

it('also when its data centre was away for a moment', async () => {
  await follow();
  west().play(2, { state: 'TASK_STAGING' });
  const deploying = rig.deploy('d2');
  await expect.poll(states).toEqual(['holding', 'trial']);
  let asked = 0;
  east().onCall = () => {
    if (++asked <= 3) throw away();
  };
  await expect.poll(() => asked).toBeGreaterThan(3);
  expect(await states()).toEqual(['holding', 'trial']);
  east().play(2, wrongPort);
  await expectReturned(deploying);
});
