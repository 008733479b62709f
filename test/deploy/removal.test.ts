/** What goes when a branch or tag was deleted, and what stays. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Build, BuildPlan } from '../../src/core/build.ts';
import { silent } from '../../src/core/log.ts';
import { removeAppsOf, removeLeftServices } from '../../src/deploy/removal.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';
import { sampleBuild } from '../support/samples.ts';
import { away, createRig, type Rig } from './rig.ts';
import { sampleService } from './sample.ts';

const ref = 'refs/heads/feature';
const preview = '/shop/cart/review-x-n5c54v/web';
const other = '/shop/cart/staging/web';
const production = '/shop/cart/production/web';

let redis: RedisStores;
let rig: Rig;
let heads: Record<string, string>;

beforeAll(async () => {
  redis = await startRedisStores();
});
afterAll(async () => {
  await redis.stop();
});
beforeEach(() => {
  rig = createRig(redis.fresh());
  heads = {};
});

const options = () => ({
  ...rig.stores,
  gitlab: { head: async (_: number, name: string) => heads[name] },
  dataCentres: rig.dataCentres,
  install: 'lab',
  log: silent,
});

const remove = (project = 7) => removeAppsOf(options(), { type: 'ref.deleted', project, ref });

async function bringUp(id: string, app: string, change: object): Promise<void> {
  await rig.follow({ id, app, ...change });
  await rig.deploy(id);
}

/** One app that follows the branch, one that follows another, and production, which follows it too. */
async function threeApps(): Promise<void> {
  await bringUp('p', preview, { environment: 'review/x', ref });
  await bringUp('s', other, { environment: 'staging' });
  await bringUp('w', production, { environment: 'production', ref });
  rig.marathon.writes.length = 0;
}

describe('removeAppsOf', () => {
  it('removes the apps that follow the ref, and neither production nor those of other refs', async () => {
    await threeApps();
    expect(await remove()).toEqual([preview]);
    expect(rig.marathon.writes).toEqual([`DELETE ${preview} force`]);
    expect(await rig.stores.deployments.leader(preview)).toBeUndefined();
    expect(await rig.stores.deployments.leader(production)).toBe('w');
    expect(await rig.stores.releases.lastGood(preview)).toBeUndefined();
    expect(await rig.stores.durations.list(preview)).toEqual([]);
    expect(await rig.stores.durations.list(other)).toHaveLength(1);
    expect(await rig.stores.releases.lastGood(other)).toBeDefined();
    expect(await remove()).toEqual([]);
  });

  it('knows by their labels what apps follow whose records are gone', async () => {
    await threeApps();
    const { redis: client, prefix } = rig.stores;
    await client.del(...(await client.keys(`${prefix}:*`)));
    expect(await remove()).toEqual([preview]);
    expect(rig.marathon.definitionOf(production)).toBeDefined();
  });

  it('keeps what another ref has taken over', async () => {
    await threeApps();
    await bringUp('s2', preview, { environment: 'review/x', order: 2 });
    expect(await remove()).toEqual([]);
    expect(rig.marathon.definitionOf(preview)).toBeDefined();
  });

  it('keeps the apps of other projects and installations', async () => {
    await threeApps();
    expect(await remove(8)).toEqual([]);
    const definition = { ...rig.marathon.definitionOf(preview), id: preview };
    const labels = { 'ekiden.project': '7', 'ekiden.install': 'elsewhere' };
    await rig.marathon.putApp({ ...definition, labels });
    expect(await remove()).toEqual([]);
  });

  it('does nothing when GitLab shows the ref, which was pushed again', async () => {
    await threeApps();
    heads[ref] = 'abc';
    expect(await remove()).toEqual([]);
    expect(rig.marathon.writes).toEqual([]);
  });

  it('removes the app at the second try when Marathon was away at the first', async () => {
    await threeApps();
    rig.marathon.fail('deleteApp', away());
    await expect(remove()).rejects.toThrow('Marathon is away.');
    expect(await remove()).toEqual([preview]);
    expect(rig.marathon.definitionOf(preview)).toBeUndefined();
  });

  it('keeps a deployment from being sent that waits for its turn', async () => {
    await rig.follow({ id: 'p', app: preview, environment: 'review/x', ref });
    await rig.stores.builds.create(buildWith(['p']));
    await remove();
    expect(await rig.deploy('p')).toEqual([{ type: 'deployment.superseded', deployment: 'p' }]);
    expect(rig.marathon.definitionOf(preview)).toBeUndefined();
    expect((await rig.endOf('p')).reason).toBe('the app was taken down');
  });

  it('lets the ref come back', async () => {
    await threeApps();
    await remove();
    await bringUp('p2', preview, { environment: 'review/x', ref, order: 2 });
    expect((await rig.endOf('p2')).state).toBe('succeeded');
  });
});

function buildWith(deployments: string[]): Build {
  return sampleBuild({ ref, sha: 'abc', state: 'succeeded', deployments });
}

describe('removeLeftServices', () => {
  const rpc = '/shop/cart/production/rpc';
  const service = (name: string) => sampleService({ name });

  async function build(id: string, names: string[]): Promise<void> {
    const plan = { services: names.map(service), environments: ['production'] } as BuildPlan;
    await rig.stores.builds.create(sampleBuild({ id, plan }));
  }

  it('removes the apps of services that a newer commit no longer has', async () => {
    await build('b1', ['web', 'rpc']);
    await build('b2', ['web']);
    await bringUp('d1', production, { build: 'b1', order: 1, service: service('web') });
    await bringUp('d2', rpc, { build: 'b1', order: 1, service: service('rpc') });
    expect(await removeLeftServices(options(), 'd1')).toEqual([]);
    await bringUp('d3', production, { build: 'b2', order: 2, service: service('web') });
    expect(await removeLeftServices(options(), 'd3')).toEqual([rpc]);
    expect(await removeLeftServices(options(), 'd3')).toEqual([]);
    expect(await rig.stores.deployments.leader(production)).toBe('d3');
  });

  it('leaves other environments alone, and services that a newer commit brought', async () => {
    await build('b1', ['web', 'rpc']);
    await build('b2', ['web']);
    const staged = { environment: 'staging', build: 'b1', order: 1, service: service('rpc') };
    await bringUp('s', '/shop/cart/staging/rpc', staged);
    await bringUp('n', rpc, { build: 'b1', order: 3, service: service('rpc') });
    await bringUp('d', production, { build: 'b2', order: 2, service: service('web') });
    expect(await removeLeftServices(options(), 'd')).toEqual([]);
  });
});
