/** `ekiden why` and `ekiden evidence`: what they print is what the API told. */
import { expect, test } from 'vitest';
import { useRedis } from '../../support/redis.ts';
import { sampleDeployment, sampleEvidence } from '../../support/samples.ts';
import { openTerminal } from './terminal.ts';

const redis = useRedis();

async function withFailure() {
  const terminal = await openTerminal(redis);
  const { project, ekiden } = terminal.api;
  const named = { project, environment: 'production', service: 'web' };
  const app = await ekiden.appIds.claim({ ...named, wanted: '/shop/front/production/web' });
  const lines = Array.from({ length: 9 }, (_, index) => `line ${index + 1}\u001b[31m`);
  const logs = [{ path: 'stderr', lines }];
  const at = Date.now() - 5 * 60_000;
  await ekiden.evidence.save(sampleEvidence({ ...named, app, instance: 'a.instance-1', at, logs }));
  const reason = 'not healthy after 300 s, taken down: exited with status 3';
  await ekiden.deployments.create(sampleDeployment({ project, state: 'failed', reason }));
  return terminal;
}

test('why says the sentence, and the newest evidence in short', async () => {
  const { run, service } = await withFailure();
  service.health = 'down';
  service.reason = 'no instance is healthy: exited with status 3';
  const { out, code } = await run('why', 'shop/front');
  expect(code).toBe(0);
  expect(out).toBe(`web in production is down
  no instance is healthy: exited with status 3
  its last deployment has failed: not healthy after 300 s, taken down: exited with status 3

The last failed instance, 5 min ago:
exited with status 3
  a.instance-1, release 3 on node-1
  exit code 3
  HTTP /health on 8080: x
  listened on 3000

stderr
  line 5 [31m
  line 6 [31m
  line 7 [31m
  line 8 [31m
  line 9 [31m

All of it: ekiden evidence shop/front a.instance-1 --env production
`);
});

test('why shows a few of many log files', async () => {
  const terminal = await withFailure();
  const { project, ekiden } = terminal.api;
  const logs = Array.from({ length: 7 }, (_, index) => ({ path: `f${index}`, lines: ['x'] }));
  const named = { project, environment: 'production', service: 'web' };
  const app = '/shop/front/production/web';
  const more = { at: Date.now(), logs, otherLogs: 3 };
  const newest = { ...named, app, instance: 'b.instance-1', ...more };
  await ekiden.evidence.save(sampleEvidence(newest));
  const { out } = await terminal.run('why', 'shop/front');
  expect(out).toContain('\nf4\n  x\n\nand 2 more files\n\nAll of it: ');
  const whole = await terminal.run('evidence', 'shop/front', 'b.instance-1');
  expect(whole.out).toContain('\nf6\n  x\n\n3 more log files are not kept.\n');
});

test('why of what is well is short', async () => {
  const { run } = await openTerminal(redis);
  const { out } = await run('why', 'shop/front');
  expect(out).toBe('web in production is healthy\n  No failed instance left evidence.\n');
});

test('why refuses what is not known, and names what is', async () => {
  const { run, api } = await withFailure();
  expect(await run('why', 'shop/front', '--env', 'staging')).toEqual({
    ...{ code: 1, out: '' },
    err: 'Nothing is known of staging.\nName with --env what there is: production.\n',
  });
  expect(await run('why', 'shop/front', '--service', 'api')).toEqual({
    ...{ code: 1, out: '' },
    err: 'There is no service api in production.\nThere are web in production.\n',
  });
  expect(await run('why', 'shop/none')).toMatchObject({
    ...{ code: 1, out: '' },
    err: expect.stringContaining('There is no such project.'),
  });
  api.ekiden.services = { ...api.ekiden.services, ofProject: async () => [] };
  await api.ekiden.deployments.create(
    sampleDeployment({ id: 'd2', project: api.project, environment: 'review/x', state: 'failed' }),
  );
  for (let count = 0; count < 10; count += 1) {
    await api.ekiden.deployments.create(
      sampleDeployment({ id: `n${count}`, project: api.project, createdAt: Date.now() }),
    );
  }
  const { out, code } = await run('why', 'shop/front', '--env', 'review/x');
  expect(code).toBe(0);
  expect(out).toContain('web in review/x is not there\n  its last deployment has failed');
});

test('evidence is listed, and shown as a whole', async () => {
  const { run } = await withFailure();
  expect((await run('evidence', 'shop/front')).out).toBe(`INSTANCE      RELEASE  WHEN       WHAT
a.instance-1  3        5 min ago  exited with status 3
`);
  const { out } = await run('evidence', 'shop/front', 'a.instance-1');
  expect(out).toContain('stderr\n  line 1');
  expect((await run('evidence', 'shop/front', '--json')).out).toContain('"instance"');
  const none = await run('evidence', 'shop/front', 'a.instance-2');
  expect(none.code).not.toBe(0);
});
