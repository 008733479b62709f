/** Deploying the head of a ref, whose build comes first. */
import { expect, test } from 'vitest';
import { useRedis } from '../../support/redis.ts';
import { sampleBuild } from '../../support/samples.ts';
import { openTerminal } from './terminal.ts';

const redis = useRedis();

test('deploy --ref ends with 1 when the build does not succeed', async () => {
  const terminal = await openTerminal(redis);
  const { api } = terminal;
  const failed = { state: 'failed', reason: 'Dockerfile:3: why' } as const;
  await api.ekiden.builds.create(sampleBuild({ project: api.project, ...failed }));
  api.ekiden.buildRequests.request = async () => ({ id: 'b1' });
  const { code, out } = await terminal.run('deploy', 'shop/front', '--ref', 'main', '--wait');
  expect(code).toBe(1);
  expect(out).toMatch(/^build b1 {2}failed {2}Dockerfile:3: why {2}http/);
  expect((await terminal.run('deploy', 'shop/front', '--ref', 'main', '--env', 'x')).err).toBe(
    '--ref goes where the manifest sends it, with all services.\nLeave out --env, --service and --build, or --ref.\n',
  );
});
