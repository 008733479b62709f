/** Commands that come while a deployment is under way. */
import { expect, test } from 'vitest';
import { ConflictError } from '../../../src/core/errors.ts';
import { useRedis } from '../../support/redis.ts';
import { openTerminal } from './terminal.ts';

const redis = useRedis();

/** A terminal at whose Ekiden a deployment ends after so many refusals. */
async function whileDeploying(refusals: number) {
  const terminal = await openTerminal(redis);
  let asked = 0;
  const act = async () => {
    asked += 1;
    if (asked > refusals) return terminal.service;
    throw new ConflictError('web in production is being deployed just now.', {
      ...{ code: 'E_DEPLOYING', retryable: true, hint: 'Ask again when it has ended.' },
    });
  };
  Object.assign(terminal.api.ekiden.operations, { scale: act, restart: act });
  return { run: terminal.run, asked: () => asked };
}

test.each([
  ['scale', 'shop/front', '1', '--wait'],
  ['restart', 'shop/front', '--wait'],
])('%s waits for its turn', async (...words) => {
  const { run, asked } = await whileDeploying(2);
  const { code, err } = await run(...words);
  expect([code, asked()]).toEqual([0, 3]);
  expect(err).toContain('web in production is being deployed just now.');
});

test('without --wait nobody waits', async () => {
  const { run, asked } = await whileDeploying(2);
  expect(await run('restart', 'shop/front')).toMatchObject({ code: 1, out: '' });
  expect(asked()).toBe(1);
});

test('what will not pass is told at once', async () => {
  const terminal = await openTerminal(redis);
  terminal.api.ekiden.operations.restart = async () => {
    throw new ConflictError('web has ended.', { code: 'E_ENDED', hint: 'Deploy it.' });
  };
  const ran = await terminal.run('restart', 'shop/front', '--wait');
  expect(ran).toEqual({ code: 1, out: '', err: 'web has ended.\nDeploy it.\n' });
});
