/** What becomes of the apps of a project that gets another path. */
import { describe, expect, it } from 'vitest';
import type { BuildPlan } from '../../src/core/build.ts';
import type { Deployment } from '../../src/core/deployment.ts';
import { silent } from '../../src/core/log.ts';
import { removeLeftServices } from '../../src/deploy/removal.ts';
import { requestDeployments } from '../../src/deploy/request.ts';
import { sampleBuild, sampleDeploy } from '../support/samples.ts';
import { asked, eachWithRig, type OperationsRig } from './operations-rig.ts';
import { app } from './rig.ts';
import { idOf, sampleService } from './sample.ts';

let rig: OperationsRig;

eachWithRig((fresh) => {
  rig = fresh;
});

describe('a project that was renamed', () => {
  const image = 'registry.test/shop/cart@sha256:bb';
  const plan = {
    ...{
      services: [sampleService()],
      environments: ['production'],
      deploy: sampleDeploy,
      jobs: [],
      fragments: [],
    },
  } as unknown as BuildPlan;
  const build = (id: string, projectPath: string, order: number, project = 7) =>
    rig.stores.builds.create(
      sampleBuild({ id, projectPath, order, project, plan, image, state: 'succeeded' }),
    );
  async function deployBuild(id: string): Promise<Deployment | undefined> {
    const [deployment = ''] = (await requestDeployments(rig.stores, id)).map(idOf);
    await rig.deploy(deployment);
    await removeLeftServices(
      {
        ...rig.stores,
        ...{ gitlab: { head: async () => undefined } },
        dataCentres: rig.dataCentres,
        install: 'lab',
        log: silent,
      },
      deployment,
    );
    return rig.stores.deployments.find(deployment);
  }

  it('keeps its app, which answers at the new address', async () => {
    await build('b1', 'shop/cart', 1);
    await build('b2', 'shop/basket', 2);
    await deployBuild('b1');
    expect(await deployBuild('b2')).toMatchObject({
      ...{ app, release: 2, state: 'succeeded', addresses: ['http://shop-basket.apps.test'] },
    });
    expect(await rig.marathon.apps()).toHaveLength(1);
    await rig.stores.knownProjects.note({ id: 7, path: 'shop/basket' });
    await rig.work(await rig.operations.rollback(asked));
    expect(rig.labels()).toMatchObject({
      'ekiden.release': '1',
      'ekiden.routes': 'shop-basket.apps.test',
    });
  });

  it('leaves its old path to another project, whose app gets an id of its own', async () => {
    await build('b1', 'shop/cart', 1);
    await build('b2', 'shop/cart', 1, 9);
    await deployBuild('b1');
    expect(await deployBuild('b2')).toMatchObject({ app: `${app}-9`, project: 9 });
    expect(rig.labels()['ekiden.project']).toBe('7');
  });

  it.each([
    ['an older record', async () => undefined],
    ['no record', () => rig.stores.deployments.forget(app)],
  ])('has one app again where it once got two, of which there is %s', async (_, lose) => {
    await rig.releases(1);
    await lose();
    await build('b2', 'shop/basket', 2);
    const now = '/shop/basket/production/web';
    expect(await deployBuild('b2')).toMatchObject({ app: now });
    expect((await rig.marathon.apps()).map(({ id }) => id)).toEqual([now]);
  });
});
