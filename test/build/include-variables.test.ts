/** What INCLUDE's words may name in a build: variables of the build, and build args that are declared. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { includeVariables } from '../../src/build/include-variables.ts';
import type { BuildCause } from '../../src/core/build.ts';
import { type Host, startHost } from './rig.ts';

let host: Host;
beforeAll(async () => {
  host = await startHost();
});
afterAll(async () => {
  await host.stop();
});

test.each<[ref: string, cause: BuildCause, want: Record<string, string>]>([
  ['refs/heads/feature/x', 'hook', { EKIDEN_REF: 'feature/x', EKIDEN_EVENT: 'push' }],
  ['refs/heads/main', 'reconcile', { EKIDEN_REF: 'main', EKIDEN_EVENT: 'push' }],
  ['refs/heads/main', 'request', { EKIDEN_REF: 'main', EKIDEN_EVENT: 'request' }],
  ['refs/tags/v1', 'hook', { EKIDEN_REF: 'v1', EKIDEN_TAG: 'v1', EKIDEN_EVENT: 'tag' }],
])('%s by a %s', (ref, cause, want) => {
  const always = { EKIDEN_SHA: 'a1', EKIDEN_PROJECT: 'shop/cart' };
  expect(includeVariables({ ref, sha: 'a1', cause }, 'shop/cart')).toEqual({ ...always, ...want });
});

test('reach the Dockerfile of a build, args of the manifest before those of the installation', async () => {
  const rig = await host.fresh();
  const sha = await rig.commit({
    '.ekiden.yml': 'build:\n  args:\n    BASE: given\n',
    Dockerfile: [
      'ARG BASE=standard',
      'ARG TEAM',
      'INCLUDE $BASE X="$TEAM $EKIDEN_REF $EKIDEN_PROJECT"',
      'INCLUDE by-$EKIDEN_EVENT',
    ].join('\n'),
    'given.dockerfile': '# ekiden: input X\nFROM scratch\nLABEL x="$[[ X ]]"\n',
    'by-push.dockerfile': 'USER 1\n',
  });
  await rig.resolve(rig.push('b1', sha));
  const dockerfile = await rig.stores.builds.dockerfile('b1');
  expect(dockerfile?.bytes.toString().split('\n').slice(-3)).toEqual([
    `LABEL x="web main ${rig.path}"`,
    'USER 1',
    '',
  ]);
});

test('name no secret and nothing of the environment', async () => {
  const rig = await host.fresh();
  const sha = await rig.commit({ Dockerfile: 'FROM a\nENV A=1\nINCLUDE $GITLAB_TOKEN$A\n' });
  await rig.resolve(rig.push('b1', sha));
  const { state, reason } = await rig.endOf('b1');
  expect(state).toBe('failed');
  expect(reason).toBe('Dockerfile:3:9: the variable GITLAB_TOKEN has no value here');
});
