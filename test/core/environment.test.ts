/** Whether what comes by itself is deployed. */
import { expect, it } from 'vitest';
import { type EnvironmentSettings, holdOf } from '../../src/core/environment.ts';

const freeze = { reason: 'the sale goes on', by: 'ada', at: 10 };

it.each<[string, EnvironmentSettings, string | undefined]>([
  ['nothing set', { autoDeploy: true }, undefined],
  ['frozen', { autoDeploy: true, freeze }, 'production is frozen by ada: the sale goes on'],
  [
    'frozen until later',
    { autoDeploy: true, freeze: { ...freeze, until: 101 } },
    'production is frozen by ada: the sale goes on',
  ],
  ['no longer frozen', { autoDeploy: true, freeze: { ...freeze, until: 100 } }, undefined],
  ['switched off', { autoDeploy: false }, 'deploying to production by itself is switched off'],
  ['both', { autoDeploy: false, freeze }, 'production is frozen by ada: the sale goes on'],
])('%s', (_, settings, hold) => {
  expect(holdOf(settings, 'production', 100)).toBe(hold);
});
