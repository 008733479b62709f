/** Deployments of pushes that their environment does not take now. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Build } from '../../src/core/build.ts';
import type { JourneyEvent } from '../../src/core/event.ts';
import { silent } from '../../src/core/log.ts';
import { endHeldIn } from '../../src/deploy/held.ts';
import { createSwitches } from '../../src/deploy/operations/switches.ts';
import { requestDeployments } from '../../src/deploy/request.ts';
import { createFakeEnvironmentSettings } from '../fakes/environments.ts';
import {
  createFakeAppIds,
  createFakeBuildStore,
  createFakeDeploymentStore,
} from '../fakes/records.ts';
import { sampleBuild, sampleDeploy, sampleService } from '../support/samples.ts';
import { idOf } from './sample.ts';

const asked = { project: 7, environment: 'production', by: 'ada' };
const app = '/shop/front/production/web';
const why = 'production is frozen by ada: the sale goes on';

function open() {
  const builds = createFakeBuildStore();
  const deployments = createFakeDeploymentStore();
  const environmentSettings = createFakeEnvironmentSettings();
  const events: JourneyEvent[] = [];
  const bad = new Set<string>();
  const releases = { isBad: async (_: string, { sha }: { sha: string }) => bad.has(sha) };
  const stores = { builds, deployments, environmentSettings, appIds: createFakeAppIds(), releases };
  const switches = createSwitches({
    ...stores,
    exclusively: (_, work) => work(),
    handOn: async (event) => void events.push(event),
    log: silent,
  });

  /** What a push with this place in the order hands on. */
  async function push(order: number): Promise<JourneyEvent[]> {
    const plan = {
      ...{ dockerfile: 'Dockerfile', context: '', args: {}, secrets: {}, fragments: [] },
      ...{ environments: ['production'], services: [sampleService], warnings: [], jobs: [] },
      deploy: sampleDeploy,
    } satisfies Build['plan'];
    const sha = String(order).repeat(40);
    const image = `registry/shop/front@sha256:${order}`;
    const id = `b${order}`;
    await builds.create(sampleBuild({ id, order, sha, image, plan, projectPath: 'shop/front' }));
    return requestDeployments(stores, id);
  }
  return { ...stores, bad, switches, events, push };
}

let rig: ReturnType<typeof open>;
beforeEach(() => {
  rig = open();
});

describe('while an environment is frozen', () => {
  beforeEach(() => rig.switches.freeze({ ...asked, reason: 'the sale goes on' }));

  it('a push is held, and the app follows what it did', async () => {
    const [event] = await rig.push(1);
    expect(event?.type).toBe('deployment.held');
    const id = event ? idOf(event) : '';
    expect(await rig.deployments.find(id)).toMatchObject({ state: 'held', reason: why });
    expect(await rig.deployments.leader(app)).toBeUndefined();
    expect(await rig.push(1)).toEqual([event]);
  });

  it('a newer push takes the place of an older one', async () => {
    const [first] = (await rig.push(1)).map(idOf);
    const events = await rig.push(2);
    expect(events.map(({ type }) => type)).toEqual(['deployment.superseded', 'deployment.held']);
    expect(events.map(idOf)[0]).toBe(first);
    expect(await rig.deployments.find(first ?? '')).toMatchObject({
      state: 'superseded',
      reason: 'superseded by 222222222222',
    });
  });

  it('an older push does not take the place of a newer one', async () => {
    const [newer] = (await rig.push(2)).map(idOf);
    await rig.push(1);
    await rig.switches.thaw(asked);
    expect(rig.events.map(({ type }) => type)).toEqual([
      'deployment.requested',
      'deployment.superseded',
    ]);
    expect(await rig.deployments.leader(app)).toBe(newer);
  });

  it('its end lets the newest go', async () => {
    const [id = ''] = (await rig.push(1)).map(idOf);
    await rig.switches.thaw(asked);
    expect(rig.events).toEqual([{ type: 'deployment.requested', deployment: id }]);
    const { state, reason } = (await rig.deployments.find(id)) ?? {};
    expect([state, reason]).toEqual(['queued', undefined]);
    expect(await rig.deployments.leader(app)).toBe(id);
  });

  it('its end has nothing overtaken by what did not work meanwhile', async () => {
    const [id = ''] = (await rig.push(2)).map(idOf);
    const held = await rig.deployments.find(id);
    const asking = { id: 'd1', order: 1, kind: 'redeploy' as const, by: 'ada' };
    if (held) await rig.deployments.takeOver({ ...held, ...asking, state: 'queued' });
    rig.bad.add('2'.repeat(40));
    await rig.switches.thaw(asked);
    // Whoever takes it up refuses it, with the reason.
    expect(rig.events).toEqual([{ type: 'deployment.requested', deployment: id }]);
    expect(await rig.deployments.find(id)).toMatchObject({ state: 'queued' });
    expect(await rig.deployments.leader(app)).toBe('d1');
  });

  it('its end says what holds it besides', async () => {
    const [id = ''] = (await rig.push(1)).map(idOf);
    await rig.switches.autoDeploy({ ...asked, enabled: false });
    expect(await rig.deployments.find(id)).toMatchObject({ state: 'held', reason: why });
    await rig.switches.thaw(asked);
    expect(await rig.deployments.find(id)).toMatchObject({
      state: 'held',
      reason: 'deploying to production by itself is switched off',
    });
  });

  it('its end lets nothing go that is older than what was deployed meanwhile', async () => {
    const [id = ''] = (await rig.push(1)).map(idOf);
    const newer = await rig.deployments.find(id);
    if (newer) await rig.deployments.takeOver({ ...newer, id: 'd9', order: 9, state: 'queued' });
    await rig.switches.thaw(asked);
    expect(rig.events).toEqual([{ type: 'deployment.superseded', deployment: id }]);
  });
});

it('what is taken down ends what is held of it', async () => {
  await rig.switches.autoDeploy({ ...asked, enabled: false });
  const [held = ''] = (await rig.push(1)).map(idOf);
  const ended = [{ type: 'deployment.superseded', deployment: held }];
  expect(await endHeldIn(rig.deployments, { project: 7, environment: 'staging' })).toEqual([]);
  expect(await endHeldIn(rig.deployments, { project: 7, ref: 'refs/heads/x' })).toEqual([]);
  expect(await endHeldIn(rig.deployments, { project: 7, ref: 'refs/heads/main' })).toEqual(ended);
  expect(await endHeldIn(rig.deployments, { project: 7 })).toEqual([]);
});

it('a push that comes by itself again ends what was held before it', async () => {
  await rig.switches.autoDeploy({ ...asked, enabled: false });
  const [held] = (await rig.push(1)).map(idOf);
  await rig.environmentSettings.save(7, 'production', { autoDeploy: true });
  const events = await rig.push(2);
  expect(events.map(({ type }) => type)).toEqual(['deployment.superseded', 'deployment.requested']);
  expect(events.map(idOf)[0]).toBe(held);
});
