/** The relay: who is told and who is next, also when a leg hands an event on twice. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Attempt } from '../src/core/queue.ts';
import { requestDeployments } from '../src/deploy/request.ts';
import type { Ekiden } from '../src/ekiden.ts';
import { createReport } from '../src/gitlab/report.ts';
import type { Status } from '../src/gitlab/statuses.ts';
import { createRelay } from '../src/relay.ts';
import { createFakeEnvironmentSettings } from './fakes/environments.ts';
import {
  createFakeAppIds,
  createFakeBuildStore,
  createFakeDeploymentStore,
} from './fakes/records.ts';
import { sampleBuild, sampleDeploy, sampleDeployment, sampleService } from './support/samples.ts';

let told: string[];
let queued: string[];
let noted: string[];
let ekiden: Ekiden;

/** An Ekiden whose builder and deployer answer what a test wants, over stores in memory. */
beforeEach(async () => {
  told = [];
  queued = [];
  noted = [];
  const [builds, deployments] = [createFakeBuildStore(), createFakeDeploymentStore()];
  const queueOf = (name: string) => ({
    add: async (work: object, { id }: { id: string }) => {
      const entry = `${name} ${id}`;
      if (!queued.includes(entry)) queued.push(entry);
      return { added: true, kept: work };
    },
  });
  ekiden = {
    builds,
    deployments,
    queues: { build: queueOf('build'), deploy: queueOf('deploy') },
    report: createReport({
      builds,
      deployments,
      statuses: { report: async ({ name, state }: Status) => void told.push(`${name} ${state}`) },
      url: 'http://ekiden',
    }),
    buildLine: { enter: async () => 1, begin: async () => undefined, leave: async () => undefined },
    removeLeftServices: async () => undefined,
    jobs: { schedules: { follow: async () => undefined } },
    noteFragments: async (build: string) => void noted.push(build),
    requestDeployments: (build: string) =>
      requestDeployments(
        {
          ...{ builds, deployments, appIds: createFakeAppIds() },
          environmentSettings: createFakeEnvironmentSettings(),
          releases: { isBad: async () => false },
        },
        build,
      ),
  } as unknown as Ekiden;
  const plan = {
    ...{
      environments: ['production', 'staging'],
      services: [sampleService],
      deploy: sampleDeploy,
      jobs: [],
    },
    ...{ dockerfile: 'Dockerfile', context: '', args: {}, fragments: [], warnings: [] },
    secrets: {},
  };
  const image = `registry/shop/front@sha256:${'0'.repeat(64)}`;
  await builds.create(sampleBuild({ projectPath: 'shop/front', image, plan }));
});

const attempt: Attempt = { signal: new AbortController().signal, first: true, last: false };

type Builder = Ekiden['builder'];

/** Runs the build leg with this work in place of the real one. */
function build(work: Builder['build']) {
  return createRelay({ ...ekiden, builder: { build: work } }).build({ build: 'b1' }, attempt);
}

describe('the relay', () => {
  it('tells of the start, and of the image, and queues its deployments', async () => {
    await build(async (id, handOn) => {
      await ekiden.builds.start(id);
      await handOn({ type: 'build.started', build: id });
      await ekiden.builds.end(id, 'succeeded');
      return [{ type: 'image.pushed', build: id }];
    });
    expect(told.slice(0, 2)).toEqual(['ekiden/build running', 'ekiden/build success']);
    expect(told.slice(2).every((line) => /^ekiden\/deploy\/.* pending$/.test(line))).toBe(true);
    expect(queued).toHaveLength(told.length - 2);
    expect(queued.length).toBeGreaterThan(0);
    expect(noted).toEqual(['b1']);
  });

  it('told twice of an image, says nothing that is over again', async () => {
    await ekiden.builds.end('b1', 'succeeded');
    const replay = () => build(async (id) => [{ type: 'image.pushed', build: id }]);
    await replay();
    const once = [...queued];
    for (const id of once) await ekiden.deployments.end(id.split(' ')[1] ?? '', 'succeeded');
    told = [];
    await replay();
    expect(told).toEqual(['ekiden/build success']);
    expect(queued).toEqual(once);
  });

  it('does not say that a build runs which was superseded in between', async () => {
    await build(async (id, handOn) => {
      await ekiden.builds.end(id, 'superseded', 'superseded by x');
      await handOn({ type: 'build.started', build: id });
      return [{ type: 'build.superseded', build: id }];
    });
    expect(told).toEqual(['ekiden/build canceled']);
  });

  it('queues what a person asked for, and tells of it', async () => {
    const asked = sampleDeployment({ kind: 'rollback', by: 'ada' });
    await ekiden.deployments.create(asked);
    await createRelay(ekiden).handOn({ type: 'deployment.requested', deployment: 'd1' });
    expect([queued, told]).toEqual([['deploy d1'], ['ekiden/deploy/production/web pending']]);
  });

  it('does not say that a deployment waits which runs already', async () => {
    await ekiden.deployments.create(sampleDeployment({ state: 'running' }));
    await createRelay(ekiden).handOn({ type: 'deployment.requested', deployment: 'd1' });
    expect(told).toEqual([]);
  });

  it('tells of a build that a person gave up, also while it runs, and deploys nothing', async () => {
    await build(async (id, handOn) => {
      await ekiden.builds.end(id, 'canceled', 'canceled by ada');
      await handOn({ type: 'build.canceled', build: id });
      return [{ type: 'build.canceled', build: id }];
    });
    expect(new Set(told)).toEqual(new Set(['ekiden/build canceled']));
    expect(queued).toEqual([]);
  });
});
