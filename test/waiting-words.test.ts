/** GitLab follows why a deployment waits, without being told the same twice or too often. */
import { expect, onTestFinished, test } from 'vitest';
import type { Deployment } from '../src/core/deployment.ts';
import { silent } from '../src/core/log.ts';
import { createWaitingWords, nextTold, type Told } from '../src/waiting-words.ts';
import { createFakeDeploymentStore } from './fakes/records.ts';
import { sampleDeployment } from './support/samples.ts';

const held = { id: 'd1', state: 'held', reason: 'production is frozen by ada: the sale' } as const;

/** `looks` counts the looks; `onTold` is called with each state before it is told. */
async function open(deployment: Deployment, onTold: () => Promise<unknown> = async () => 0) {
  const deployments = createFakeDeploymentStore();
  await deployments.create(deployment);
  const told: string[] = [];
  let looks = 0;
  const words = createWaitingWords({
    deployments: {
      find: deployments.find,
      active: async () => {
        looks += 1;
        return deployments.active();
      },
    },
    report: {
      async deployment(id, state) {
        await onTold();
        const { reason, waiting } = (await deployments.find(id)) ?? {};
        told.push(`${state}: ${reason ?? waiting ?? ''}`);
      },
    },
    every: 5,
    log: silent,
  });
  onTestFinished(words.keepTold());
  /** Resolves once it was looked some times more. */
  const looked = async (more = 3) => {
    const from = looks;
    await expect.poll(() => looks).toBeGreaterThan(from + more);
  };
  return { deployments, told, looked };
}

test('a held one is told again when something else holds it, and only then', async () => {
  const { deployments, told, looked } = await open(sampleDeployment(held));
  await looked();
  await deployments.hold('d1', 'deploying by itself is switched off');
  await expect.poll(() => told).toHaveLength(2);
  await looked();
  expect(told).toEqual([
    'held: production is frozen by ada: the sale',
    'held: deploying by itself is switched off',
  ]);
});

test('one under way is told what it waits for, and nothing once it has ended', async () => {
  const { deployments, told, looked } = await open(
    sampleDeployment({ id: 'd1', state: 'running' }),
  );
  await looked();
  await deployments.update('d1', { waiting: 'no node has 4 processors free' });
  await expect.poll(() => told).toEqual(['running: ', 'running: no node has 4 processors free']);
  await deployments.end('d1', 'succeeded');
  await looked();
  expect(told).toHaveLength(2);
});

test('the more often the words change, the longer they wait', () => {
  const at = (last: Told | undefined, waiting: string, now: number) =>
    nextTold(last, sampleDeployment({ state: 'running', waiting }), { now, every: 15_000 });
  const first = at(undefined, 'one', 0);
  expect(first).toEqual({ words: 'running: one', pause: 15_000, until: 15_000 });
  expect(at(first, 'one', 60_000)).toBeUndefined();
  expect(at(first, 'two', 14_999)).toBeUndefined();
  const second = at(first, 'two', 15_000);
  expect(second).toEqual({ words: 'running: two', pause: 30_000, until: 45_000 });
  const later = { words: 'running: two', pause: 200_000, until: 1 };
  expect(at(later, 'three', 2)).toEqual({
    words: 'running: three',
    pause: 240_000,
    until: 240_002,
  });
});

test('an end that comes in between has the last word', async () => {
  let ended = false;
  const rig = await open(sampleDeployment({ id: 'd1', state: 'running' }), async () => {
    if (!ended) ended = await rig.deployments.end('d1', 'failed', 'exited with status 3');
  });
  await expect.poll(() => rig.told.at(-1)).toBe('failed: exited with status 3');
});
