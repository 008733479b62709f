/** Tables of what a rollout decides: its deadline, which app serves, how large a canary is. */
import { describe, expect, it } from 'vitest';
import type { Weights } from '../../src/core/traffic.ts';
import { deadlineOf } from '../../src/deploy/rollout/deadline.ts';
import { canaryPercentOf, canarySizeOf } from '../../src/deploy/rollout/instances-for.ts';
import { type Candidate, liveOf } from '../../src/deploy/rollout/live.ts';

describe('the deadline', () => {
  const many = (count: number, seconds: number) => Array.from({ length: count }, () => seconds);
  it.each([
    ['is what the manifest says', { manifest: 5, setting: 7, durations: many(50, 100) }, 5],
    ['else what the administrator set', { manifest: undefined, setting: 7, durations: [] }, 7],
    ['else five minutes at first', { durations: [] }, 300],
    ['still five minutes after nine', { durations: many(9, 20) }, 300],
    ['or longer where the first ones took long', { durations: many(2, 200) }, 600],
    ['a minute at least after ten', { durations: many(10, 2) }, 60],
    ['three times what 95 of 100 took', { durations: [...many(48, 30), 500, 500] }, 90],
    ['and of what took longer', { durations: [...many(47, 30), 500, 500, 500] }, 1_500],
    ['in whole seconds', { durations: many(20, 33.4) }, 101],
  ])('%s', (_, facts, seconds) => {
    expect(deadlineOf({ manifest: undefined, setting: undefined, ...facts })).toBe(seconds);
  });
});

describe('the app that serves', () => {
  const app = (id: string, release: number, instances = 1): Candidate => ({
    ...{ id, instances, labels: { 'ekiden.release': String(release) } },
  });
  const two = [app('/a', 2), app('/a.alt', 1)];
  it.each<[string, Candidate[], Weights, string | undefined]>([
    ['is none where there is none', [], {}, undefined],
    ['is the only one', [app('/a.alt', 3)], { '/a.alt': 0 }, '/a.alt'],
    ['is that with requests', two, { '/a@east': 1, '/a.alt@east': 0 }, '/a'],
    ['also where only the other one is known', two, { '/a.alt@east': 0 }, '/a'],
    ['is not decided by another data centre', two, { '/a.alt@west': 0 }, '/a.alt'],
    [
      'is the older release where both have some',
      two,
      { '/a@east': 1, '/a.alt@east': 1 },
      '/a.alt',
    ],
    ['is the older release where nothing is kept', two, {}, '/a.alt'],
    ['is the larger one of one release', [app('/a', 2, 1), app('/a.alt', 2, 3)], {}, '/a.alt'],
    ['is the first one of two alike', [app('/a.alt', 2), app('/a', 2)], {}, '/a'],
  ])('%s', (_, apps, weights, live) => {
    expect(liveOf(apps, weights, 'east')).toBe(live);
  });
});

it.each([
  [1, 3, 1],
  [5, 3, 3],
  ['10%', 3, 1],
  ['10%', 11, 2],
  ['50%', 4, 2],
  ['100%', 4, 4],
  ['7%', 100, 7],
] as const)('a canary of %s of %i has %i', (size, instances, wanted) => {
  expect(canarySizeOf(size, instances)).toBe(wanted);
});

it.each([
  [{ kind: 'rolling' }, undefined],
  [{ kind: 'canary', instances: 3, hold: 60 }, undefined],
  [{ kind: 'canary', instances: '10%', hold: 'manual' }, 10],
  [{ kind: 'canary', instances: '2.5%', hold: 60 }, 2.5],
] as const)('of 100 requests %j gets %s', (strategy, percent) => {
  expect(canaryPercentOf({ strategy })).toBe(percent);
});
