/** Freezing an environment by the command line. */
import { expect, test } from 'vitest';
import { useRedis } from '../../support/redis.ts';
import { openTerminal } from './terminal.ts';

const redis = useRedis();

test('a freeze is told with who, until when and why, and ends', async () => {
  const { run } = await openTerminal(redis);
  const frozen = await run('freeze', 'shop/front', 'the sale goes on', '--until', '2999-01-02');
  expect(frozen).toMatchObject({
    code: 0,
    out: 'production is frozen by owner until 2999-01-02T00:00:00.000Z: the sale goes on\n',
  });
  const thawed = await run('thaw', 'shop/front');
  expect(thawed).toMatchObject({
    code: 0,
    out: 'production: pushes are deployed by themselves\n',
  });
});

test('deploying by itself is switched for one environment', async () => {
  const { run, api } = await openTerminal(redis);
  const off = await run('auto-deploy', 'shop/front', 'off', '--env', 'staging');
  expect(off).toMatchObject({ code: 0, out: 'staging: pushes are held\n' });
  const find = (environment: string) =>
    api.ekiden.switches.find({ project: api.project, environment });
  expect(await find('staging')).toEqual({ autoDeploy: false });
  expect(await find('production')).toEqual({ autoDeploy: true });
});

test.each([
  [['freeze', 'shop/front', ' '], 'must say why'],
  [['freeze', 'shop/front', 'why', '--until', 'soon'], 'soon is no time.'],
  [['freeze', 'shop/front', 'why', '--until', '2001-01-01'], 'has passed'],
  [['auto-deploy', 'shop/front', 'maybe'], 'maybe is neither on nor off.'],
])('%j is refused', async (args, message) => {
  const { run } = await openTerminal(redis);
  expect(await run(...args)).toMatchObject({ code: 1, err: expect.stringContaining(message) });
});
