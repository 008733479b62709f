/** Commands that do a build again, and give one up. */
import { expect, test } from 'vitest';
import { useRedis } from '../../support/redis.ts';
import { sampleBuild } from '../../support/samples.ts';
import { openTerminal } from './terminal.ts';

const redis = useRedis();

test('retry builds again, exactly or with nothing that was made before', async () => {
  const terminal = await openTerminal(redis);
  const { project, ekiden } = terminal.api;
  await ekiden.builds.create(sampleBuild({ project, state: 'failed' }));
  const asked: unknown[] = [];
  ekiden.buildRequests.retry = async (wanted) => {
    asked.push(wanted);
    return { id: 'b2' };
  };
  const by = { build: 'b1', by: 'owner', actor: 6 };
  const { code, out } = await terminal.run('retry', 'shop/front', 'b1');
  expect([code, out]).toEqual([0, expect.stringMatching(/^build b2 {2}is queued {2}http\S+\n$/)]);
  const all = await terminal.run('retry', 'shop/front', 'b1', '--exactly', '--no-cache');
  expect(all).toMatchObject({ code: 0, err: '' });
  expect(asked).toEqual([
    { ...by, exactly: false, cache: true },
    { ...by, exactly: true, cache: false },
  ]);
  expect(await terminal.run('retry', 'shop/front', 'never')).toMatchObject({ code: 1 });
});

test('cancel gives a build up', async () => {
  const terminal = await openTerminal(redis);
  const { project, ekiden } = terminal.api;
  await ekiden.builds.create(sampleBuild({ project }));
  const ran = await terminal.run('cancel', 'shop/front', 'b1');
  expect(ran).toEqual({ code: 0, out: 'build b1  is canceled\n', err: '' });
  expect((await ekiden.builds.find('b1'))?.state).toBe('canceled');
});
