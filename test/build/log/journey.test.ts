/** The lines by which the log of a build tells what the legs did. */
import { expect, it, test } from 'vitest';
import { createBuildLogs } from '../../../src/build/log/build-log.ts';
import { notesOfBuild, notesOfDeployment } from '../../../src/build/log/journey.ts';
import type { Build, BuildState } from '../../../src/core/build.ts';
import type { Deployment, DeploymentState } from '../../../src/core/deployment.ts';
import { silent } from '../../../src/core/log.ts';
import { withJournal } from '../../../src/journal.ts';
import { openBuildLogStore, textOfLog } from '../../support/build-logs.ts';
import { useRedis } from '../../support/redis.ts';
import {
  sampleBuild,
  sampleDeploy,
  sampleDeployment,
  sampleService,
} from '../../support/samples.ts';

const server = useRedis();
const at = Date.UTC(2026, 10, 22, 7, 10, 3);
const hook = { name: 'hook' as const, start: at - 1_000, end: at };

const plan: NonNullable<Build['plan']> = {
  ...{
    environments: ['production', 'staging'],
    services: [sampleService],
    deploy: sampleDeploy,
    jobs: [],
  },
  ...{ dockerfile: 'docker/Dockerfile', context: '', args: {}, secrets: {} },
  fragments: [
    { source: 'template:node@20', file: 'template:node@20.1.0', sha256: 'ab'.repeat(32) },
  ],
  warnings: ['warning W_UNPINNED: …'],
};

const image = 'registry.test/shop@sha256:0';

it.each<[Partial<Build>, BuildState, string]>([
  [{ state: 'queued' }, 'queued', 'waits for a builder'],
  [
    { state: 'queued', waiting: { position: 2, priority: 1 } },
    'queued',
    'waits for a builder: 2nd in line',
  ],
  [{ state: 'running' }, 'running', 'the build begins'],
  [{ state: 'succeeded', image }, 'succeeded', `the image is in the registry: ${image}`],
  [{ state: 'skipped', reason: 'main is gone' }, 'skipped', 'skipped: main is gone'],
  [{ state: 'canceled', reason: 'canceled by ada' }, 'canceled', 'canceled: canceled by ada'],
  [{ state: 'failed', reason: '.ekiden.yml: no' }, 'failed', 'failed: .ekiden.yml: no'],
])('a build %j that is told as %s', (change, state, words) => {
  const build = sampleBuild({ by: 'ada', legs: [hook], cause: 'hook', ...change });
  const [first, ...more] = notesOfBuild(build, state, at).map(({ text }) => text);
  expect(first).toBe(`2026-11-22 07:10:02 UTC  main at ${build.sha.slice(0, 12)}, pushed by ada\n`);
  expect(more).toEqual([`07:10:03 ${words}\n`]);
});

it.each<[Partial<Build>, BuildState]>([
  [{ state: 'failed', reason: 'the builder told it', plan }, 'failed'],
  [{ state: 'running', reason: 'waits to be tried again: the builder told it', plan }, 'running'],
  [{ state: 'running', plan }, 'queued'],
])('a build %# of which the builder tells itself, or that is further', (change, state) => {
  const keys = notesOfBuild(sampleBuild(change), state, at).map(({ key }) => key);
  expect(keys).toEqual(['pushed', 'resolved']);
});

test('what was resolved, with what was included and warned of', () => {
  const build = sampleBuild({ plan, cause: 'request', by: 'ada', retryOf: 'b0', legs: [hook] });
  const [pushed, resolved] = notesOfBuild(build, 'queued', at).map(({ text }) => text);
  expect(pushed).toMatch(/, asked for by ada, again after build b0\n$/);
  expect(resolved).toBe(
    [
      '07:10:03 docker/Dockerfile for production, staging: web',
      '  included template:node@20.1.0 (abababababab)',
      'warning W_UNPINNED: …\n',
    ].join('\n'),
  );
});

it.each<[Partial<Deployment>, DeploymentState, string]>([
  [{}, 'queued', 'the deployment is requested'],
  [{ kind: 'rollback', by: 'ada', release: 3 }, 'queued', 'ada goes back to release 3'],
  [{ kind: 'redeploy', by: 'ada' }, 'queued', 'ada deploys again'],
  [{ state: 'running' }, 'running', 'starting new instances'],
  [{ state: 'succeeded' }, 'succeeded', 'live at http://front.localhost'],
  [{ state: 'failed', reason: 'listens on 3000' }, 'failed', 'failed: listens on 3000'],
  [{ state: 'superseded' }, 'superseded', 'superseded'],
])('a deployment %j that is told as %s', (change, state, words) => {
  const [note] = notesOfDeployment(sampleDeployment(change), state, at);
  expect(note?.text).toBe(`07:10:03 production/web: ${words}\n`);
});

test('each is told once, in order, and GitLab is told as well', async () => {
  const { store } = await openBuildLogStore(server);
  const told: string[] = [];
  const build = sampleBuild({ state: 'queued', legs: [hook], by: 'ada\x1b[2J' });
  const report = withJournal({
    ...{ log: silent, logs: createBuildLogs(store) },
    builds: { find: async () => build },
    deployments: { find: async () => sampleDeployment({ build: 'b1', state: 'queued' }) },
    report: {
      build: async (id, state) => void told.push(`${id} ${state}`),
      deployment: async (id, state) => void told.push(`${id} ${state}`),
    },
  });
  for (let times = 0; times < 2; times += 1) {
    await report.build('b1', 'queued');
    await report.deployment('d1', 'queued');
  }
  const lines = (await textOfLog(store, 'b1')).split('\n');
  expect(lines).toEqual([
    expect.stringMatching(/pushed by ada$/),
    expect.stringMatching(/waits for a builder$/),
    expect.stringMatching(/production\/web: the deployment is requested$/),
    '',
  ]);
  expect(told).toEqual(['b1 queued', 'd1 queued', 'b1 queued', 'd1 queued']);
  await server.stop();
  await report.build('b1', 'queued');
  await server.start();
  expect(told).toHaveLength(5);
});
