/** What people and failures do to a service while a release is tried beside another, or kept back. */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Deployment } from '../../src/core/deployment.ts';
import type { Strategy } from '../../src/core/manifest.ts';
import { sampleDeploy } from '../support/samples.ts';
import { asked, eachWithRig, type OperationsRig, web } from './operations-rig.ts';
import { app, wrongPort } from './rig.ts';
import { sampleService } from './sample.ts';

let rig: OperationsRig;
eachWithRig((fresh) => {
  rig = fresh;
});

const alt = `${app}.alt`;
const canary: Strategy = { kind: 'canary', instances: 1, hold: 'manual' };
const blueGreen: Strategy = { kind: 'blue-green', keep: 3600 };
const place = async () => (await rig.stores.deployments.find('d2'))?.places?.[0];
const decide = (go: 'on' | 'back') => rig.operations.decide({ ...asked, id: 'd2', go });

/** Release 2 beside release 1, once it is there; `done` when that deployment has ended. */
async function tried(
  strategy: Strategy,
  state: 'trial' | 'holding' = 'holding',
  more: Partial<Deployment> = {},
) {
  await rig.releases(1);
  if (state === 'trial') rig.marathon.play(2, { state: 'TASK_STAGING' });
  const deploy = { ...sampleDeploy, strategy };
  await rig.follow({ id: 'd2', order: 2, sha: '2'.repeat(40), deploy, ...more });
  const done = rig.deploy('d2');
  await expect.poll(async () => (await place())?.state).toBe(state);
  return { done };
}

/** Waits for some looks at the app that is tried. */
async function looks(count: number): Promise<void> {
  let seen = 0;
  rig.marathon.onCall = (call) => {
    if (call === 'app') seen += 1;
  };
  await expect.poll(() => seen).toBeGreaterThan(count);
}

it.each([
  ['canary', canary],
  ['blue/green', blueGreen],
])('a %s is not given up when Marathon forgets for a moment what checks said', async (_, kind) => {
  const { done } = await tried(kind, 'holding', { deadline: 30 });
  rig.marathon.play(2, { healthCheckResults: [] });
  await looks(3);
  rig.marathon.play(2, { healthCheckResults: [{ alive: true }] });
  expect(await place()).toMatchObject({ state: 'holding' });
  await rig.operations.rollback(asked);
  await done;
  expect(await rig.stores.releases.standing(app, 2)).toMatchObject({ state: 'trying' });
});

it('a canary of which nothing is known for as long as it had to start is given up', async () => {
  const { done } = await tried(canary, 'holding', { deadline: 0.5 });
  rig.marathon.play(2, { healthCheckResults: [] });
  expect(await done).toMatchObject([{ type: 'deployment.failed' }]);
  expect([rig.marathon.releaseOf(app), rig.marathon.releaseOf(alt)]).toEqual(['1', undefined]);
});

it.each([
  ['a canary', canary],
  ['what was switched to', blueGreen],
])('who rolls back from %s gets what was before', async (_, kind) => {
  const { done } = await tried(kind);
  const asking = await rig.operations.rollback(asked);
  expect(asking).toMatchObject([{ kind: 'rollback', release: 1 }]);
  expect(await done).toMatchObject([{ type: 'deployment.superseded' }]);
  await rig.work(asking);
  expect([rig.marathon.releaseOf(app), rig.marathon.releaseOf(alt)]).toEqual(['1', undefined]);
  expect(await rig.stores.traffic.find(app)).toMatchObject({ [`${app}@default`]: 1 });
});

it('a canary is followed by as many as somebody has asked for meanwhile', async () => {
  const { done } = await tried(canary);
  await rig.operations.scale(web, { instances: 3, by: 'ada' });
  await decide('on');
  expect(await done).toMatchObject([{ type: 'deployment.succeeded' }]);
  expect([
    rig.marathon.instancesOf(app),
    rig.marathon.releaseOf(app),
    rig.marathon.releaseOf(alt),
  ]).toEqual([3, '2', undefined]);
});

it('who goes back after a switch has as many instances as somebody asked for since', async () => {
  const { done } = await tried(blueGreen);
  await rig.operations.scale(web, { instances: 3, by: 'ada' });
  expect([rig.marathon.instancesOf(app), rig.marathon.instancesOf(alt)]).toEqual([1, 3]);
  rig.marathon.play(2, wrongPort);
  expect(await done).toMatchObject([{ type: 'deployment.failed' }]);
  expect([
    rig.marathon.releaseOf(app),
    rig.marathon.instancesOf(app),
    rig.marathon.releaseOf(alt),
  ]).toEqual(['1', 3, undefined]);
});

it('nobody is scaled while new instances start beside it, nor stopped while both are there', async () => {
  const refused = { code: 'E_DEPLOYING', status: 409, retryable: true };
  const { done } = await tried(blueGreen, 'trial', { service: sampleService({ instances: 2 }) });
  const scaled = rig.operations.scale(web, { instances: 5, by: 'ada' });
  await expect(scaled).rejects.toMatchObject(refused);
  rig.marathon.play(2, { healthCheckResults: [{ alive: true }] });
  await expect.poll(async () => (await place())?.state).toBe('holding');
  await expect(rig.operations.suspend(web, 'ada')).rejects.toMatchObject(refused);
  expect(rig.marathon.instancesOf(alt)).toBe(2);
  await rig.operations.remove(asked);
  expect(await done).toMatchObject([{ type: 'deployment.superseded' }]);
});

it.each([
  ['canary', canary],
  ['blue/green', blueGreen],
])('a %s that is taken down is no failure, however long that takes', async (_, kind) => {
  const { done } = await tried(kind);
  let seen = 0;
  rig.marathon.onCall = (call) => {
    if (call === 'app' && rig.marathon.definitionOf(alt) === undefined) seen += 1;
  };
  const { forget } = rig.stores.deployments;
  rig.stores.deployments.forget = async (name) => {
    // It was seen that its instances are gone, and nothing says yet that somebody wanted that.
    await expect.poll(() => seen).toBeGreaterThan(0);
    await forget(name);
  };
  await rig.operations.remove(asked);
  expect(await done).toMatchObject([{ type: 'deployment.superseded' }]);
});

it.each([
  ['is tried', canary, alt],
  ['is kept', blueGreen, app],
])(
  'an instance of what %s beside what serves is not killed without replacement',
  async (_, kind, id) => {
    const { done } = await tried(kind);
    const [instance = ''] = ((await rig.marathon.app(id))?.tasks ?? []).map((task) => task.id);
    const wanted = { instance, replace: false, by: 'ada' };
    await expect(rig.operations.kill(web, wanted)).rejects.toMatchObject({ code: 'E_DEPLOYING' });
    expect([rig.marathon.instancesOf(id), await rig.stores.scales.find(app)]).toEqual([
      1,
      undefined,
    ]);
    await rig.operations.kill(web, { ...wanted, replace: true });
    await rig.operations.remove(asked);
    expect(await done).toMatchObject([{ type: 'deployment.superseded' }]);
  },
);

it('a switch back that balancers do not follow is given up with one app left', async () => {
  const { done } = await tried(blueGreen);
  const asking = await rig.operations.rollback(asked);
  await done;
  for (const { id } of asking) {
    await rig.deploy(id, { isRouted: async () => false, switchPatience: 300 });
    expect((await rig.endOf(id)).reason).toMatch(/^not all balancers .*, back to release 1$/);
  }
  expect([rig.marathon.releaseOf(app), rig.marathon.releaseOf(alt)]).toEqual(['1', undefined]);
});

it.each(['before', 'after'] as const)('a command %s it gives way at once', async (when) => {
  await rig.releases(1);
  await rig.follow({ id: 'd2', order: 2, deploy: { ...sampleDeploy, [when]: 'migrate' } });
  let isRunning = false;
  const run = async (_: unknown, signal: AbortSignal) => {
    isRunning = true;
    await new Promise((_, fail) => signal.addEventListener('abort', () => fail(signal.reason)));
    return undefined;
  };
  const done = rig.deploy('d2', { commands: { run } });
  await expect.poll(() => isRunning).toBe(true);
  const [back] = await rig.operations.rollback(asked);
  expect(back).toMatchObject({ release: 1 });
  expect(await done).toMatchObject([{ type: 'deployment.superseded' }]);
  await rig.work(back ? [back] : []);
  expect(rig.marathon.releaseOf(app)).toBe('1');
});

it('what failed in its command before it is bad, and nothing was sent of it', async () => {
  await rig.releases(1);
  await rig.follow({ id: 'd2', order: 2, deploy: { ...sampleDeploy, before: 'migrate' } });
  const run = async () => 'exit code 3';
  expect(await rig.deploy('d2', { commands: { run } })).toMatchObject([
    { type: 'deployment.failed' },
  ]);
  expect(rig.marathon.writes).toEqual([]);
  expect(await rig.stores.releases.standing(app, 2)).toMatchObject({
    state: 'bad',
    reason: 'the command before it failed, nothing was changed: exit code 3',
  });
});

it.each<Strategy>([
  { kind: 'rolling' },
  { kind: 'canary', instances: 1, hold: 0 },
  { kind: 'blue-green', keep: 0 },
])('how long a command after it takes is not learnt: %o', async (strategy) => {
  await rig.releases(1);
  await rig.follow({ id: 'd2', order: 2, deploy: { ...sampleDeploy, strategy, after: 'warm' } });
  const run = () => delay(1_500, undefined);
  const begun = Date.now();
  await rig.deploy('d2', { commands: { run } });
  const took = Date.now() - begun;
  const [seconds = took] = await rig.stores.durations.list(app);
  // A timer may end a few milliseconds before its time by this clock.
  expect(seconds * 1000).toBeLessThan(took - 1_450);
});

it.each(['trial', 'holding'] as const)('taking it down in %s takes both', async (state) => {
  const { done } = await tried(canary, state);
  await rig.operations.remove(asked);
  expect(await done).toMatchObject([{ type: 'deployment.superseded' }]);
  expect([rig.marathon.releaseOf(app), rig.marathon.releaseOf(alt)]).toEqual([
    undefined,
    undefined,
  ]);
  expect((await rig.stores.traffic.all()).size).toBe(0);
});
