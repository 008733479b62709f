/** What somebody says of a canary. */
import { expect, test } from 'vitest';
import type { Deployment, Place } from '../../src/core/deployment.ts';
import { decide } from '../../src/deploy/operations/decide.ts';
import { sampleDeployment } from './sample.ts';

const place: Place = { dataCentre: 'default', state: 'holding', since: 1, strategy: 'canary' };
const running = sampleDeployment({ state: 'running', places: [place] });

function decided(found: Deployment | undefined, go: 'on' | 'back' = 'on', project = 7) {
  const find = async () => found;
  const update = async (_: string, change: Partial<Deployment>) => ({ ...running, ...change });
  return decide({ deployments: { find, update } }, { project, id: 'd1', go, by: 'ada' });
}

test('is noted while it runs beside what was there', async () => {
  expect(await decided(running, 'back')).toMatchObject({ decision: { go: 'back', by: 'ada' } });
  const twice = { ...running, decision: { go: 'on' as const, by: 'bob' } };
  expect(await decided(twice)).toMatchObject({ decision: { by: 'bob' } });
});

test.each<[string, Deployment | undefined, string]>([
  ['of none', undefined, 'There is no deployment d1.'],
  ['of another project', { ...running, project: 8 }, 'There is no deployment d1.'],
  ['otherwise', { ...running, decision: { go: 'back', by: 'bob' } }, 'bob has said back already.'],
  ['too late', { ...running, state: 'failed' }, 'Deployment d1 waits for no word.'],
  ['on its way back', { ...running, failure: { what: 'x' } }, 'Deployment d1 waits for no word.'],
  [
    'when it rolls',
    { ...running, places: [{ ...place, state: 'rolling' }] },
    'Deployment d1 waits for no word.',
  ],
  [
    'of blue/green',
    { ...running, places: [{ ...place, strategy: 'blue-green' }] },
    'Deployment d1 waits for no word.',
  ],
])('%s is refused', async (_, found, message) => {
  await expect(decided(found)).rejects.toThrow(message);
});

test('said otherwise is told what to do in its place', async () => {
  const brought = { ...running, decision: { go: 'on' as const, by: 'bob' } };
  const back = { ...running, decision: { go: 'back' as const, by: 'bob' } };
  await expect(decided(brought, 'back')).rejects.toMatchObject({
    hint: 'To go back from what was brought on, roll back.',
  });
  await expect(decided(back, 'on')).rejects.toMatchObject({
    hint: 'To bring on what was taken back, deploy its build again.',
  });
});
