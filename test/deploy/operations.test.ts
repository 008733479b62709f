/** Deploying again, scaling, restarting and taking down, as people ask for it. */
import { describe, expect, it } from 'vitest';
import type { BuildPlan } from '../../src/core/build.ts';
import { sampleBuild, sampleDeploy } from '../support/samples.ts';
import { asked, eachWithRig, type OperationsRig, web } from './operations-rig.ts';
import { app, wrongPort } from './rig.ts';
import { sampleService } from './sample.ts';

let rig: OperationsRig;

eachWithRig((fresh) => {
  rig = fresh;
});

describe('deploying again', () => {
  it('makes a new release of the image with the variables as they are now', async () => {
    await rig.releases(2);
    const made = await rig.operations.deploy(asked);
    expect(made).toMatchObject([{ kind: 'redeploy', by: 'ada', sha: '2'.repeat(40), order: 2 }]);
    expect(made[0]?.release).toBeUndefined();
    const environmentOf = async () => ({ env: { NEW: '1' }, secrets: [], warnings: [] });
    await rig.deploy(made[0]?.id ?? '', { environmentOf });
    expect(rig.labels()).toMatchObject({ 'ekiden.release': '3', 'ekiden.commit': '2'.repeat(40) });
    expect(await rig.stores.deployments.find(made[0]?.id ?? '')).toMatchObject({
      release: 3,
      variables: ['LOG_DIR', 'NEW'],
    });
  });

  it('takes the image of a build where one is named, also into a new environment', async () => {
    await rig.releases(2);
    const plan = {
      services: [sampleService({ mem: 99 })],
      environments: ['production'],
      deploy: sampleDeploy,
      jobs: [],
      fragments: [],
    } as unknown as BuildPlan;
    const image = 'registry.test/shop/cart@sha256:bb';
    const build = { projectPath: 'shop/cart', state: 'succeeded', order: 1 } as const;
    await rig.stores.builds.create(sampleBuild({ ...build, plan, image }));
    await rig.work(await rig.operations.deploy({ ...asked, environment: 'staging', build: 'b1' }));
    await rig.work(await rig.operations.deploy({ ...asked, build: 'b1' }));
    expect(rig.marathon.definitionOf(app)).toMatchObject({ mem: 99 });
    expect(rig.marathon.definitionOf('/shop/cart/staging/web')).toMatchObject({
      container: { docker: { image } },
    });
    await expect(
      rig.operations.deploy({ ...asked, build: 'b1', services: ['rpc'] }),
    ).rejects.toMatchObject({ code: 'E_SERVICE' });
  });

  it('refuses a build without an image, and those of other projects', async () => {
    await rig.stores.builds.create(sampleBuild({ state: 'failed' }));
    await rig.stores.builds.create(sampleBuild({ id: 'b8', project: 8 }));
    await expect(rig.operations.deploy({ ...asked, build: 'b1' })).rejects.toMatchObject({
      message: 'Build b1 has no image: it is failed.',
    });
    await expect(rig.operations.deploy({ ...asked, build: 'b8' })).rejects.toMatchObject({
      status: 404,
    });
  });
});

describe('scaling', () => {
  it('is honoured by the next pushes until the manifest itself brings another number', async () => {
    await rig.releases(1);
    const status = await rig.operations.scale(web, { instances: 4, by: 'ada' });
    expect(status).toMatchObject({ scale: { instances: 4, by: 'ada' }, instances: { wanted: 4 } });
    await rig.push('same', { order: 2 });
    expect(rig.instances()).toBe(4);
    await rig.push('other', { order: 3, service: sampleService({ instances: 2 }) });
    expect(rig.instances()).toBe(2);
    expect(await rig.stores.scales.find(app)).toBeUndefined();
    await rig.push('back', { order: 4 });
    expect(rig.instances()).toBe(1);
  });

  it('is honoured by the way back of a push that brought another number', async () => {
    await rig.releases(1);
    await rig.operations.scale(web, { instances: 4, by: 'ada' });
    rig.marathon.play(2, wrongPort);
    const service = sampleService({ instances: 2 });
    await rig.push('bad', { order: 2, deadline: 0, service });
    expect([rig.labels()['ekiden.release'], rig.instances()]).toEqual(['1', 4]);
  });

  it('to zero stops the service, and to the number of the manifest ends the exception', async () => {
    await rig.releases(1);
    const stopped = await rig.operations.scale(web, { instances: 0, by: 'ada' });
    expect(stopped).toMatchObject({ health: 'stopped', reason: 'ada scaled it to 0 instances' });
    await rig.push('next', { order: 2 });
    expect(rig.instances()).toBe(0);
    const back = await rig.operations.scale(web, { instances: 1, by: 'bob' });
    expect(back).toMatchObject({ health: 'healthy' });
    expect(back.scale).toBeUndefined();
    expect(await rig.stores.scales.find(app)).toBeUndefined();
  });

  it.each([101, -1, 1.5])('to %d is refused with the limit and the setting', async (instances) => {
    await rig.releases(1);
    await expect(rig.operations.scale(web, { instances, by: 'ada' })).rejects.toMatchObject({
      message: `${instances} instances are not possible: 0 to 100 are.`,
      hint: 'An administrator sets the most with EKIDEN_MAX_INSTANCES.',
    });
    expect(rig.marathon.writes).toEqual([]);
  });

  it('and restarting are refused while the app is deployed, and nothing is half done', async () => {
    await rig.releases(1);
    rig.marathon.locked.add(app);
    const locked = { status: 409, code: 'E_DEPLOYING', retryable: true };
    await expect(rig.operations.scale(web, { instances: 2, by: 'ada' })).rejects.toMatchObject(
      locked,
    );
    await expect(rig.operations.restart(web, 'ada')).rejects.toMatchObject(locked);
    expect(rig.instances()).toBe(1);
    expect(await rig.stores.scales.find(app)).toBeUndefined();
    expect(rig.marathon.writes).toEqual([]);
  });

  it('of what is not there says so', async () => {
    await expect(rig.operations.scale(web, { instances: 2, by: 'ada' })).rejects.toMatchObject({
      message: 'There is no service web in production.',
      status: 404,
    });
  });
});

it('restarting replaces the instances of the same release', async () => {
  await rig.releases(1);
  expect(await rig.operations.restart(web, 'ada')).toMatchObject({ release: { number: 1 } });
  expect(rig.marathon.writes).toEqual([`RESTART ${app}`]);
});

describe('removing', () => {
  const staging = '/shop/cart/staging/web';

  it('takes down one environment, and forgets its releases and its scale', async () => {
    await rig.releases(2);
    await rig.push('s', { order: 3, environment: 'staging', app: staging });
    await rig.operations.scale({ ...web, environment: 'staging' }, { instances: 2, by: 'ada' });
    expect(await rig.operations.remove({ project: 7, environment: 'staging', by: 'ada' })).toEqual([
      staging,
    ]);
    expect(rig.marathon.definitionOf(staging)).toBeUndefined();
    expect(rig.marathon.definitionOf(app)).toBeDefined();
    expect(await rig.stores.releases.good(staging)).toEqual([]);
    expect(await rig.stores.scales.find(staging)).toBeUndefined();
    expect(rig.canceled).toEqual([]);
  });

  it('takes down all, production too, and what is on its way there', async () => {
    await rig.releases(1);
    await rig.follow({ id: 's', environment: 'staging', app: staging });
    const removed = await rig.operations.remove({ project: 7, by: 'ada' });
    expect(removed.sort()).toEqual([app, staging]);
    expect(rig.canceled).toEqual(['7 ada']);
    expect(await rig.deploy('s')).toEqual([{ type: 'deployment.superseded', deployment: 's' }]);
    expect((await rig.endOf('s')).reason).toBe('the app was taken down');
    expect(await rig.operations.remove({ project: 7, by: 'ada' })).toEqual([]);
    await rig.push('r1-told-again', { order: 1 });
    expect(rig.marathon.definitionOf(app)).toBeUndefined();
    await rig.push('next', { order: 2 });
    expect(rig.marathon.definitionOf(app)).toBeDefined();
  });

  it('forgets which fragments the project uses, once all of it is taken down', async () => {
    const { fragmentUses } = rig.stores;
    const names = { projectPath: 'shop/cart', ref: 'refs/heads/main', sha: 'a', build: 'b1' };
    const fragments = [{ name: 'node', source: 'template:node', version: '1', sha256: '' }];
    const use = { ...names, environments: [], order: 1, at: 1, fragments };
    for (const project of [7, 8]) await fragmentUses.note({ ...use, project });
    await rig.operations.remove({ project: 7, environment: 'staging', by: 'ada' });
    expect(await fragmentUses.count('node')).toEqual({ refs: 2, projects: 2 });
    await rig.operations.remove({ project: 7, by: 'ada' });
    expect((await fragmentUses.list('node', { limit: 9 })).items).toMatchObject([{ project: 8 }]);
  });

  it('leaves other projects and installations alone', async () => {
    await rig.releases(1);
    expect(await rig.operations.remove({ project: 8, by: 'ada' })).toEqual([]);
    const definition = { ...rig.marathon.definitionOf(app), id: app };
    const labels = { 'ekiden.project': '7', 'ekiden.install': 'elsewhere' };
    await rig.marathon.putApp({ ...definition, id: '/x', labels });
    expect(await rig.operations.remove({ project: 7, by: 'ada' })).toEqual([app]);
    expect(rig.marathon.definitionOf('/x')).toBeDefined();
  });
});
