/** `ekiden decide`: what it asks for, and what it refuses. */
import { expect, test } from 'vitest';
import { useRedis } from '../../support/redis.ts';
import { sampleDeployment } from '../../support/samples.ts';
import { openTerminal } from './terminal.ts';

const redis = useRedis();

test('tells a canary how to go on, and nothing else', async () => {
  const terminal = await openTerminal(redis);
  const { api } = terminal;
  const canary = sampleDeployment({ project: api.project, state: 'running', reason: 'held' });
  await api.ekiden.deployments.create(canary);
  const asked: unknown[] = [];
  api.ekiden.operations.decide = async (wanted) => {
    asked.push(wanted);
    return canary;
  };
  const { code, out } = await terminal.run('decide', 'shop/front', 'on', 'd1');
  expect([code, out]).toEqual([0, expect.stringContaining('production/web  is running')]);
  expect(asked).toEqual([{ project: 1, id: 'd1', go: 'on', by: 'owner' }]);
  expect((await terminal.run('decide', 'shop/front', 'up', 'd1')).err).toMatch(
    /^A canary goes on or back, not up\./,
  );
  expect((await terminal.run('decide', 'shop/front', 'on', 'none')).code).toBe(1);
  expect(asked).toHaveLength(1);
});

test('finds the canary that waits, where there is one', async () => {
  const terminal = await openTerminal(redis);
  const { api } = terminal;
  const place = { dataCentre: 'default', state: 'holding', since: 1, strategy: 'canary' } as const;
  const canary = sampleDeployment({ project: api.project, state: 'running', places: [place] });
  const asked: string[] = [];
  api.ekiden.operations.decide = async ({ id }) => {
    asked.push(id);
    return canary;
  };
  const none = await terminal.run('decide', 'shop/front', 'back');
  expect([none.code, none.err]).toEqual([1, expect.stringContaining('waits for a word')]);
  await api.ekiden.deployments.create(canary);
  expect((await terminal.run('decide', 'shop/front', 'back')).code).toBe(0);
  await api.ekiden.deployments.create({ ...canary, id: 'd2', environment: 'staging' });
  const several = await terminal.run('decide', 'shop/front', 'back');
  expect(several.err).toMatch(/Several canaries wait for a word: .*d2 \(staging\/web\)/);
  expect(asked).toEqual(['d1']);
});
