/** Which deployments an image gets. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Build } from '../../src/core/build.ts';
import { deploymentsOf, requestDeployments } from '../../src/deploy/request.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';
import { sampleDeploy } from '../support/samples.ts';
import { idOf, sampleDeployment, sampleService } from './sample.ts';

const web = sampleService();
const rpc = sampleService({ name: 'rpc' });
const build: Build = {
  id: 'b1',
  project: 7,
  projectPath: 'shop/cart',
  ref: 'refs/heads/main',
  sha: '0123456789abcdef0123456789abcdef01234567',
  cause: 'hook',
  state: 'succeeded',
  order: 5,
  image: 'registry.test/shop/cart@sha256:aa',
  plan: {
    environments: ['production', 'review/x'],
    services: [web, rpc],
    deploy: sampleDeploy,
    jobs: [],
    dockerfile: 'Dockerfile',
    context: '',
    args: {},
    secrets: {},
    fragments: [{ source: 'template:node', file: 'template:node@20.0.0', sha256: 'ff' }],
    warnings: [],
  },
  deployments: [],
  legs: [],
  createdAt: 1,
};

describe('deploymentsOf', () => {
  it('makes one for each service in each environment', () => {
    const made = deploymentsOf(build, 9);
    expect(made.map(({ app }) => app)).toEqual([
      '/shop/cart/production/web',
      '/shop/cart/production/rpc',
      '/shop/cart/review-x-n5c54v/web',
      '/shop/cart/review-x-n5c54v/rpc',
    ]);
    expect(made[0]).toEqual({
      id: made[0]?.id,
      kind: 'push',
      request: build.id,
      build: 'b1',
      project: 7,
      projectPath: 'shop/cart',
      ref: 'refs/heads/main',
      sha: build.sha,
      environment: 'production',
      service: web,
      serviceCount: 2,
      app: '/shop/cart/production/web',
      order: 5,
      image: build.image,
      fragments: build.plan?.fragments,
      deploy: sampleDeploy,
      state: 'queued',
      addresses: [],
      legs: [],
      createdAt: 9,
    });
  });

  it('gives each an id of its own, the same whenever it is asked', () => {
    const ids = deploymentsOf(build, 9).map(({ id }) => id);
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{24}$/);
    expect(deploymentsOf(build, 10).map(({ id }) => id)).toEqual(ids);
    const other = deploymentsOf({ ...build, id: 'b2' }, 9).map(({ id }) => id);
    expect(ids).not.toContain(other[0]);
  });

  it.each(['plan', 'image', 'projectPath'] as const)('makes none without its %s', (part) => {
    const { [part]: _, ...rest } = build;
    expect(deploymentsOf(rest, 9)).toEqual([]);
  });
});

describe('requestDeployments', () => {
  let redis: RedisStores;
  beforeAll(async () => {
    redis = await startRedisStores();
  });
  afterAll(async () => {
    await redis.stop();
  });

  it('records them, makes their apps follow them, and notes them in the build', async () => {
    const stores = redis.fresh();
    await stores.builds.create(build);
    const events = await requestDeployments(stores, 'b1');
    const ids = events.map(idOf);
    expect(events).toEqual(ids.map((deployment) => ({ type: 'deployment.requested', deployment })));
    expect(ids).toEqual(deploymentsOf(build, 9).map(({ id }) => id));
    expect((await stores.builds.find('b1'))?.deployments).toEqual(ids);
    for (const id of ids) {
      const { app = '' } = (await stores.deployments.find(id)) ?? {};
      expect(await stores.deployments.leader(app)).toBe(id);
    }
    expect(await requestDeployments(stores, 'b1')).toEqual(events);
  });

  it('end what a person asked for and a crash kept from the queue', async () => {
    const stores = redis.fresh();
    await stores.builds.create(build);
    const app = '/shop/cart/production/web';
    const lost = sampleDeployment({ id: 'lost', kind: 'rollback', app });
    await stores.deployments.takeOver(lost);
    await requestDeployments(stores, 'b1');
    expect(await stores.deployments.find('lost')).toMatchObject({
      state: 'superseded',
      reason: 'superseded by 0123456789ab',
    });
  });

  it('of what did not work before take the app from nobody, and wait for nothing', async () => {
    const stores = redis.fresh();
    await stores.builds.create(build);
    await stores.builds.create({
      ...build,
      id: 'bad',
      order: 99,
      sha: 'b'.repeat(40),
    });
    const [leader] = (await requestDeployments(stores, 'b1')).map(idOf);
    const freeze = { reason: 'the sale goes on', by: 'ada', at: 1 };
    await stores.environmentSettings.save(7, 'production', { autoDeploy: true, freeze });
    const isBad = async (_: string, { sha }: { sha: string }) => sha === 'b'.repeat(40);
    const [refused = ''] = (
      await requestDeployments({ ...stores, releases: { isBad } }, 'bad')
    ).map(idOf);
    expect(await stores.deployments.find(refused)).toMatchObject({ state: 'queued' });
    expect(await stores.deployments.leader('/shop/cart/production/web')).toBe(leader);
  });

  it('of an older commit do not take the app from a newer one', async () => {
    const stores = redis.fresh();
    await stores.builds.create(build);
    await stores.builds.create({ ...build, id: 'old', order: 4 });
    const [newer] = (await requestDeployments(stores, 'b1')).map(idOf);
    expect(await requestDeployments(stores, 'old')).toHaveLength(4);
    expect(await stores.deployments.leader('/shop/cart/production/web')).toBe(newer);
  });
});
