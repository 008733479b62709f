/** Releases, their differences and plans by the command line, over the API. */
import { beforeEach, expect, test } from 'vitest';
import type { EnvironmentRelease, PlannedService } from '../../../src/core/release-history.ts';
import { useRedis } from '../../support/redis.ts';
import { sampleRelease } from '../../support/samples.ts';
import { openTerminal } from './terminal.ts';

const redis = useRedis();
let terminal: Awaited<ReturnType<typeof openTerminal>>;
/** What was asked of the history. */
let asked: unknown[];

const sha = 'a'.repeat(40);
const secret = 'correct-horse-battery';
const definition = { id: '/web', env: { KEY: secret, PLAIN: 'plain-value' } };

const release: EnvironmentRelease = {
  ...{ number: 4, createdAt: 1_000, sha, ref: 'refs/heads/main', build: 'b1', author: 'ada' },
  standing: { state: 'bad', since: 2_000, reason: 'exit code 1' },
  commit: { sha, title: 'A title', author: 'Ada' },
  services: [
    {
      ...{ service: 'web', runs: true, evidence: 2 },
      release: sampleRelease({ number: 4, definition, variables: ['KEY'], secrets: ['KEY'] }),
      standing: { state: 'bad', since: 2_000, reason: 'exit code 1' },
    },
  ],
};

const changes: PlannedService = {
  ...{ service: 'web', app: '/web', from: 4, to: 3, isSame: false, kind: 'rollback' },
  sha: { from: sha, to: 'b'.repeat(40) },
  image: { from: 'r@sha256:1', to: 'r@sha256:2' },
  variables: { added: ['NEW'], removed: ['OLD'], changed: ['KEY'] },
  fragments: { added: [], removed: [], changed: ['template:node@20.1.0'] },
  settings: [
    { name: 'cpus', from: '1', to: '2' },
    { name: 'health.path', to: '/up' },
  ],
  ...{ restarts: 3, instances: 3, strategy: { kind: 'rolling' }, dataCentres: ['paris', 'rome'] },
  warnings: ['A warning.'],
};

beforeEach(async () => {
  terminal = await openTerminal(redis);
  asked = [];
  terminal.api.ekiden.releaseHistory = {
    list: async (_, paging) => {
      asked.push(paging);
      return { items: [release] };
    },
    find: async () => release,
    diff: async (_, numbers) => {
      asked.push(numbers);
      const note = { sha, title: 'A\u001b[31m title' };
      const commits = { added: [], removed: [note] };
      const { app: _app, kind: _kind, ...service } = changes;
      return { from: 4, to: 3, sha: { from: sha, to: sha }, commits, services: [service] };
    },
    plan: async (wanted) => {
      asked.push(wanted);
      return { held: 'production is frozen by ada: fair', services: [changes] };
    },
    rebuild: async (project) => {
      asked.push({ rebuild: project });
      return 1;
    },
  };
});

test('releases tells each with how it stands, what runs, and why it is bad', async () => {
  const { code, out } = await terminal.run('releases', 'shop/front', '--limit', '5');
  expect(code).toBe(0);
  expect(out).toMatch(/^4 +bad +web \(runs\) +aaaaaaaaaaaa .* ada +exit code 1$/m);
  expect(asked).toEqual([{ limit: 5 }]);
});

test('releases --rebuild first makes records again', async () => {
  await terminal.run('releases', 'shop/front', '--rebuild');
  expect(asked).toEqual([{ rebuild: terminal.api.project }, { limit: 20 }]);
});

const lines = [
  '  ~ image r@sha256:1 → r@sha256:2',
  '  + variable NEW',
  '  - variable OLD',
  '  ~ variable KEY',
  '  ~ fragment template:node@20.1.0',
  '  ~ cpus 1 → 2',
  '  ~ health.path – → /up',
];

test('diff tells what came, went and changed, and moves no cursor', async () => {
  const { out } = await terminal.run('diff', 'shop/front', '--from', '4', '--to', '3');
  expect(out.split('\n')).toEqual(expect.arrayContaining(lines));
  expect(out).toContain('  - aaaaaaaaaaaa A [31m title');
  expect(asked).toEqual([{ from: 4, to: 3 }]);
});

test('plan tells besides what restarts, where, and what to mind', async () => {
  const { code, out } = await terminal.run('plan', 'shop/front', '--to', '3', '--service', 'web');
  expect(code).toBe(0);
  expect(out.split('\n')).toEqual(
    expect.arrayContaining([
      'production is frozen by ada: fair',
      ...lines,
      '  = 3 instances are replaced, rolling, in paris, rome',
      '  ! A warning.',
    ]),
  );
  expect(asked).toEqual([
    { project: terminal.api.project, environment: 'production', release: 3, services: ['web'] },
  ]);
});

test('plan takes a build or a release', async () => {
  const { code, err } = await terminal.run('plan', 'shop/front', '--to', '3', '--build', 'b1');
  expect([code, err]).toEqual([1, expect.stringContaining('takes a build or a release')]);
});

test('the API tells all of a release but the values of variables', async () => {
  const { call, tokens, project } = terminal.api;
  const path = `/projects/${project}/environments/production/releases/4`;
  const { status, body, text } = await call('GET', path, { token: tokens.reporter });
  expect([status, body]).toMatchObject([
    200,
    {
      ...{ number: 4, runs: true, standing: { state: 'bad', reason: 'exit code 1' } },
      services: [
        {
          variables: [
            { name: 'KEY', from: 'gitlab', isSecret: true },
            { name: 'PLAIN', from: 'manifest', isSecret: false },
          ],
          definition: { id: '/web', env: { KEY: '[REDACTED]', PLAIN: '[REDACTED]' } },
          evidence: 2,
        },
      ],
    },
  ]);
  expect(text).not.toMatch(/correct-horse|plain-value/);
});

test('the diff of the API links to GitLab where the commits are others', async () => {
  const { call, tokens, project } = terminal.api;
  const path = `/projects/${project}/environments/production/diff`;
  expect((await call('GET', path, { token: tokens.reporter })).body).not.toHaveProperty(
    'comparison',
  );
  const { diff } = terminal.api.ekiden.releaseHistory;
  terminal.api.ekiden.releaseHistory.diff = async (where, numbers) => ({
    ...(await diff(where, numbers)),
    sha: { from: sha, to: 'b' },
  });
  expect((await call('GET', path, { token: tokens.reporter })).body).toMatchObject({
    comparison: expect.stringMatching(new RegExp(`/shop/front/-/compare/${sha}\\.\\.\\.b$`)),
  });
});
