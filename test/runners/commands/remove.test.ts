/** What `ekiden remove` asks before it takes anything down. */
import { expect, test } from 'vitest';
import { useRedis } from '../../support/redis.ts';
import { openTerminal } from './terminal.ts';

const redis = useRedis();

test('remove takes no environment where nothing runs for all of the project', async () => {
  const terminal = await openTerminal(redis);
  expect(await terminal.run('remove', 'shop/front', '--env', 'prodcution')).toEqual({
    ...{ code: 1, out: '' },
    err: 'Nothing runs in prodcution.\nSomething runs in production; name one with --env.\n',
  });
});
