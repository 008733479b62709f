/** What is told of a deployment that tries something. */
import { expect, test } from 'vitest';
import { type Deployment, type Place, reasonNow } from '../../src/core/deployment.ts';
import type { Strategy } from '../../src/core/manifest.ts';
import { sampleDeploy, sampleDeployment } from '../support/samples.ts';

const place: Place = { dataCentre: 'paris', state: 'holding', since: 1_000 };
const manual: Strategy = { kind: 'canary', instances: 1, hold: 'manual' };
const timed: Strategy = { kind: 'canary', instances: 1, hold: 90 };
const beside: Strategy = { kind: 'blue-green', keep: 3_600 };

const waits = 'the canary gets requests; it waits until somebody decides that it goes on or back';

test.each<[string, Strategy, Partial<Deployment>, string | undefined]>([
  ['waits for a word', manual, {}, waits],
  [
    'has its time',
    timed,
    {},
    'the canary gets requests until 1970-01-01 00:01:31 UTC; then the others follow',
  ],
  [
    'keeps the old',
    beside,
    {},
    'the new instances get all requests; the old ones are kept until 1970-01-01 01:00:01 UTC',
  ],
  ['is one of many', manual, { places: [{ ...place, state: 'done' }, place] }, `paris: ${waits}`],
  ['is decided', manual, { decision: { go: 'on', by: 'ada' } }, undefined],
  ['goes back', manual, { failure: { what: 'x' } }, undefined],
  ['has more to tell', manual, { waiting: 'Marathon is away.' }, 'Marathon is away.'],
  ['has not come so far', manual, { places: [{ ...place, state: 'trial' }] }, undefined],
  ['has ended', manual, { state: 'succeeded' }, undefined],
])('%s', (_, strategy, change, sentence) => {
  const running = sampleDeployment({ state: 'running', places: [place], ...change });
  expect(reasonNow({ ...running, deploy: { ...sampleDeploy, strategy } })).toBe(sentence);
});
