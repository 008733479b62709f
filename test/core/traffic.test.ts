/** Which weights belong to a release, and what comes back with it. */
import { expect, test } from 'vitest';
import { keptWeights, percentOf, restoredWeights } from '../../src/core/traffic.ts';

const now = { '/web': 0, '/web.alt@paris': 1, '/web@rome': 1, vm: 5, '/webb': 2 };

test('a release keeps weights but those of the two apps of its service', () => {
  expect(keptWeights(now, '/web')).toEqual({ vm: 5, '/webb': 2 });
});

test('a percentage of requests passes with the rollout, and no release brings it back', () => {
  const tried = { '/web@rome': 1, '/web.alt@rome': 1, [percentOf('/web.alt', 'rome')]: 10 };
  expect(Object.keys(tried)).toContain('/web.alt@rome%');
  expect(keptWeights(tried, '/web')).toEqual({});
  expect(restoredWeights(tried, '/web', { [percentOf('/web', 'rome')]: 5 })).toEqual(tried);
});

test('a release comes back with its weights, and requests stay with the app that gets them', () => {
  expect(restoredWeights(now, '/web', { vm: 1, '/web': 1 })).toEqual({
    ...{ '/web': 0, '/web.alt@paris': 1, '/web@rome': 1 },
    vm: 1,
  });
  expect(restoredWeights({ vm: 5 }, '/web', {})).toEqual({});
});
