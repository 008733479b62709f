/** What is told of the difference between two releases. */
import { expect, test } from 'vitest';
import { diffReleases } from '../../src/core/release-diff.ts';
import { sampleDeploy, sampleRelease, sampleService } from '../support/samples.ts';

const definition = { id: '/web', env: { A: 'one', B: 'two', C: 'three' } };
const before = sampleRelease({
  number: 3,
  definition,
  fragments: [
    { file: 'template:node@20.1.0', sha256: 'a' },
    { file: 'part.dockerfile', sha256: 'b' },
  ],
  weights: { '/web': 2 },
});

test('is nothing for the same again, whatever its number and commit are', () => {
  const after = { ...before, number: 4, sha: 'b'.repeat(40), build: 'b2' };
  expect(diffReleases(before, after)).toEqual({
    ...{ from: 3, to: 4, isSame: true },
    sha: { from: before.sha, to: after.sha },
    image: { from: before.image, to: before.image },
    variables: { added: [], removed: [], changed: [] },
    fragments: { added: [], removed: [], changed: [] },
    settings: [],
  });
});

test('names variables and never their values', () => {
  const after = {
    ...before,
    definition: { ...definition, env: { D: 'new', B: 'other', C: 'three' } },
  };
  const diff = diffReleases(before, after);
  expect(diff).toMatchObject({
    isSame: false,
    variables: { added: ['D'], removed: ['A'], changed: ['B'] },
  });
  expect(JSON.stringify(diff)).not.toMatch(/one|two|three|other/);
});

test('names fragments by their files', () => {
  const fragments = [
    { file: 'template:node@20.2.0', sha256: 'c' },
    { file: 'part.dockerfile', sha256: 'd' },
  ];
  expect(diffReleases(before, { ...before, fragments }).fragments).toEqual({
    added: ['template:node@20.2.0'],
    removed: ['template:node@20.1.0'],
    changed: ['part.dockerfile'],
  });
});

test('tells resources, checks, routes, the number of instances, the strategy and weights', () => {
  const after = {
    ...before,
    image: 'registry/shop/front@sha256:1',
    spec: {
      ...sampleService,
      cpus: 2,
      instances: 3,
      health: false as const,
      routes: ['a.test/b'],
      env: { HIDDEN: 'value' },
    },
    deploy: { ...sampleDeploy, strategy: { kind: 'blue-green' as const, keep: 60 } },
    weights: { '/web': 1, vm: 0 },
  };
  const health = { interval: 5, timeout: 4, grace: 30, failures: 3 };
  const checked = { ...before, spec: { ...before.spec, health } };
  const { settings, image, isSame } = diffReleases(checked, after);
  expect([image, isSame]).toEqual([{ from: before.image, to: after.image }, false]);
  expect(settings.filter(({ name }) => !name.startsWith('health'))).toEqual([
    { name: 'cpus', from: String(sampleService.cpus), to: '2' },
    { name: 'deploy.strategy.keep', to: '60' },
    { name: 'deploy.strategy.kind', from: 'rolling', to: 'blue-green' },
    { name: 'instances', from: String(sampleService.instances), to: '3' },
    { name: 'routes', from: '[]', to: '["a.test/b"]' },
    { name: 'weights./web', from: '2', to: '1' },
    { name: 'weights.vm', to: '0' },
  ]);
  expect(settings).toContainEqual({ name: 'health', to: 'false' });
  expect(settings).toContainEqual({ name: 'health.interval', from: '5' });
});

test('of a service that came has but one side', () => {
  expect(diffReleases(undefined, before)).toMatchObject({
    to: 3,
    isSame: false,
    image: { to: before.image },
    variables: { added: ['A', 'B', 'C'] },
  });
  expect(diffReleases(undefined, before)).not.toHaveProperty('from');
  expect(diffReleases(before, undefined).variables.removed).toEqual(['A', 'B', 'C']);
});
