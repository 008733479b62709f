/** Commands that act: what they ask for, what they wait for, and how they end. */
import { expect, test } from 'vitest';
import type { Deployment } from '../../../src/core/deployment.ts';
import { ConflictError } from '../../../src/core/errors.ts';
import type { Operations } from '../../../src/deploy/operations/operations.ts';
import { useRedis } from '../../support/redis.ts';
import { sampleBuild, sampleDeployment } from '../../support/samples.ts';
import { openTerminal, type Terminal } from './terminal.ts';

const redis = useRedis();

type Ended = Pick<Deployment, 'state'> & Partial<Deployment>;

/** `find`, with `change` done just before it is called for the second time. */
function beforeSecondLook<K, F>(find: (key: K) => Promise<F>, change: () => unknown) {
  let looks = 0;
  return async (key: K) => {
    if (++looks === 2) await change();
    return find(key);
  };
}

/** What was asked for; a deployment ends so, and a service settles, after one look. */
function withOperations({ api, service }: Terminal, ended: Ended = { state: 'succeeded' }) {
  const asked: unknown[] = [];
  const { deployments, services } = api.ekiden;
  const request = async (wanted: unknown) => {
    asked.push(wanted);
    const open = { state: 'running' as const, legs: [{ name: 'deploy' as const, start: 1 }] };
    return [await deployments.create(sampleDeployment({ project: api.project, ...open }))];
  };
  deployments.find = beforeSecondLook(deployments.find, async () => {
    await deployments.update('d1', ended);
    await deployments.end('d1', ended.state, ended.reason);
  });
  const change = async (name: unknown, wanted?: unknown) => {
    asked.push([name, wanted]);
    service.isDeploying = true;
    service.reason = '0 of 1 new instances are healthy';
    const settle = () => Object.assign(service, { isDeploying: false }, settled);
    services.find = beforeSecondLook(services.find, settle);
    return service;
  };
  const settled: Partial<Terminal['service']> = { reason: 'all is well' };
  api.ekiden.operations = {
    ...{ deploy: request, rollback: request, scale: change, restart: change },
    ...{ kill: change, suspend: change, resume: change },
    decide: async (wanted: unknown) => (await request(wanted))[0],
    remove: async (wanted: unknown) => {
      asked.push(wanted);
      return ['/shop/front/production/web'];
    },
  } as Operations;
  return { asked, settled };
}

test('deploy asks for what runs in production, and says where that can be watched', async () => {
  const terminal = await openTerminal(redis);
  const { asked } = withOperations(terminal);
  const { out, code } = await terminal.run('deploy', 'shop/front');
  expect([code, out]).toEqual([
    0,
    `production/web  is running  ${terminal.api.ekiden.config.url}/deployments/d1\n`,
  ]);
  expect(asked).toEqual([{ project: 1, environment: 'production', by: 'owner' }]);
});

test('deploy asks for a build, an environment, a service', async () => {
  const terminal = await openTerminal(redis);
  const { asked } = withOperations(terminal);
  const args = ['--env', 'staging', '--service', 'web', '--build', 'b7'];
  await terminal.run('deploy', 'shop/front', ...args);
  const wanted = { environment: 'staging', services: ['web'], build: 'b7' };
  expect(asked).toEqual([{ project: 1, by: 'owner', ...wanted }]);
});

test('deploy waits for the end, and repeats its warnings', async () => {
  const terminal = await openTerminal(redis);
  withOperations(terminal, { state: 'succeeded', release: 8, warnings: ['PORT is left out.'] });
  expect(await terminal.run('deploy', 'shop/front', '--wait')).toEqual({
    code: 0,
    out: 'production/web release 8  succeeded  http://front.localhost\n  PORT is left out.\n',
    err: 'production/web running (deploy)\n',
  });
});

test.each([
  ['failed', 'listens on 3000, checked 8080'],
  ['superseded', 'superseded by 0123456789ab'],
] as const)('deploy ends with 1 when it %s, and says why', async (state, reason) => {
  const terminal = await openTerminal(redis);
  withOperations(terminal, { state, reason });
  const { code, out } = await terminal.run('deploy', 'shop/front', '--wait');
  expect([code, out]).toEqual([1, `production/web  ${state}  ${reason}\n`]);
});

test('deploy --wait --json prints the end alone', async () => {
  const terminal = await openTerminal(redis);
  withOperations(terminal, { state: 'failed', reason: 'why' });
  const { code, out } = await terminal.run('deploy', 'shop/front', '--wait', '--json');
  expect(code).toBe(1);
  expect(JSON.parse(out)).toMatchObject({ deployments: [{ state: 'failed', reason: 'why' }] });
});

test('waiting ends in time, and says what it waited for', async () => {
  const terminal = await openTerminal(redis);
  withOperations(terminal, { state: 'running' });
  const args = ['deploy', 'shop/front', '--wait', '--timeout', '1'];
  expect(await terminal.run(...args)).toMatchObject({
    code: 1,
    err: expect.stringContaining('Not done after 1 s: production/web running (deploy).'),
  });
});

test('rollback names the release, and waits as deploy does', async () => {
  const terminal = await openTerminal(redis);
  const { asked } = withOperations(terminal, { state: 'succeeded', release: 3 });
  const { code } = await terminal.run('rollback', 'shop/front', '--to', '3', '--wait');
  expect(code).toBe(0);
  expect(asked).toEqual([{ project: 1, environment: 'production', by: 'owner', release: 3 }]);
  expect((await terminal.run('rollback', 'shop/front', '--to', '0')).err).toBe(
    '--to is to be a whole number from 1 on, and not 0.\n',
  );
});

test('what Ekiden refuses is told in its words, with what to do', async () => {
  const terminal = await openTerminal(redis);
  terminal.api.ekiden.operations.rollback = async () => {
    throw new ConflictError('web has no release 9.', { code: 'E_RELEASE', hint: 'Name another.' });
  };
  const ran = await terminal.run('rollback', 'shop/front', '--to', '9');
  expect(ran).toEqual({ code: 1, out: '', err: 'web has no release 9.\nName another.\n' });
  const { err, code } = await terminal.runAs(
    terminal.api.tokens.developer,
    ...['scale', 'shop/front', '2'],
  );
  expect(code).toBe(1);
  expect(err).toMatch(/^To scale in production one has to be Maintainer\.\n/);
});

test('scale finds the service by itself and waits until Marathon is done', async () => {
  const terminal = await openTerminal(redis);
  const { asked } = withOperations(terminal);
  const ran = await terminal.run('scale', 'shop/front', '1', '--wait');
  expect(ran).toEqual({
    code: 0,
    out: 'production/web  healthy  all is well\n',
    err: '0 of 1 new instances are healthy\n',
  });
  const name = { project: 1, environment: 'production', service: 'web' };
  expect(asked).toEqual([[name, { instances: 1, by: 'owner' }]]);
});

test.each(['restart', 'suspend', 'resume'])(
  '%s ends with 1 when the service is not well afterwards',
  async (command) => {
    const terminal = await openTerminal(redis);
    const { settled } = withOperations(terminal);
    Object.assign(settled, { health: 'down', reason: 'no instance is healthy: exited with 1' });
    expect(await terminal.run(command, 'shop/front', '--wait')).toMatchObject({
      code: 1,
      out: 'production/web  down  no instance is healthy: exited with 1\n',
    });
  },
);

test.each([
  ['scale', 'shop/front', '2'],
  ['restart', 'shop/front'],
  ['rollback', 'shop/front'],
  ['deploy', 'shop/front'],
  ['deploy', 'shop/front', '--ref', 'main'],
])('a wrong --timeout is refused before anything is asked: %s', async (...args) => {
  const terminal = await openTerminal(redis);
  const { asked } = withOperations(terminal);
  expect(await terminal.run(...args, '--timeout', '5m')).toEqual({
    ...{ code: 1, out: '' },
    err: '--timeout is to be a whole number from 1 on, and not 5m.\n',
  });
  expect(asked).toEqual([]);
});

test('scale --json is the answer of the API', async () => {
  const terminal = await openTerminal(redis);
  withOperations(terminal);
  const { out } = await terminal.run('scale', 'shop/front', '1', '--json');
  expect(JSON.parse(out)).toMatchObject({ service: 'web', isDeploying: true, cpus: 0.1 });
});

test('of several services one has to be named, unless one is called web', async () => {
  const terminal = await openTerminal(redis);
  const { asked } = withOperations(terminal);
  const { service, api } = terminal;
  const others = ['rpc', 'worker'].map((name) => ({ ...service, service: name }));
  api.ekiden.services.ofProject = async () => others;
  expect((await terminal.run('restart', 'shop/front')).err).toBe(
    'There are several services in production: rpc, worker.\nName one with --service.\n',
  );
  api.ekiden.services.ofProject = async () => [...others, service];
  await terminal.run('restart', 'shop/front');
  expect(asked).toMatchObject([[{ service: 'web' }, 'owner']]);
});

test('remove asks first, and takes no silence for a yes', async () => {
  const terminal = await openTerminal(redis);
  const { asked } = withOperations(terminal);
  expect(await terminal.run('remove', 'shop/front')).toMatchObject({
    code: 1,
    err: 'Take down production/web of shop/front? Nobody can be asked here.\nSay --yes.\n',
  });
  expect(asked).toEqual([]);
  const args = ['remove', 'shop/front', '--env', 'production', '--yes'];
  expect((await terminal.run(...args)).out).toBe('/shop/front/production/web  taken down\n');
  expect(asked).toEqual([{ project: 1, environment: 'production', by: 'owner' }]);
});

test('enable tells of the hook and of the test delivery, and ends with 1 when it was refused', async () => {
  const terminal = await openTerminal(redis);
  const { api } = terminal;
  const hook = { id: 7, url: 'http://ekiden.test/hooks/gitlab' };
  const test = { outcome: 'arrived' as const, decision: 'queued', reason: 'it is to be built' };
  api.ekiden.hookRegistration = {
    enable: async () => ({ hook, change: 'created', test }),
    disable: async () => ({ removed: [hook] }),
  };
  expect(await terminal.run('enable', 'shop/front')).toEqual({
    code: 0,
    out: `hook 7  created  ${hook.url}\ntest delivery  arrived  queued: it is to be built\n`,
    err: '',
  });
  const refused = { outcome: 'refused' as const, reason: 'no way', hint: 'Open the door.' };
  api.ekiden.hookRegistration.enable = async () => ({ hook, change: 'unchanged', test: refused });
  expect(await terminal.run('enable', 'shop/front')).toMatchObject({
    code: 1,
    out: `hook 7  unchanged  ${hook.url}\ntest delivery  refused  no way\n  Open the door.\n`,
  });
  expect((await terminal.run('disable', 'shop/front')).out).toBe(`hook 7  removed  ${hook.url}\n`);
});

test('deploy --ref builds, and waits for the build and for what it brings', async () => {
  const terminal = await openTerminal(redis);
  const { api } = terminal;
  const { builds, deployments } = api.ekiden;
  const asked: unknown[] = [];
  api.ekiden.buildRequests.request = async (wanted) => {
    asked.push(wanted);
    return { id: 'b1' };
  };
  const { find } = builds;
  let looks = 0;
  // It is recorded after the first look, and handed on after the third.
  builds.find = async (id) => {
    looks += 1;
    if (looks === 2) await builds.create(sampleBuild({ project: api.project, state: 'running' }));
    if (looks === 3) await builds.update('b1', { state: 'succeeded' });
    if (looks === 4) {
      const state = 'failed' as const;
      await deployments.create(sampleDeployment({ project: api.project, state, reason: 'why' }));
      await builds.update('b1', { deployments: ['d1'] });
    }
    return find(id);
  };
  const { code, out, err } = await terminal.run('deploy', 'shop/front', '--ref', 'main', '--wait');
  expect(asked).toEqual([{ project: 1, by: 'owner', actor: 6, ref: 'main' }]);
  expect(code).toBe(1);
  expect(out).toMatch(/^build b1 {2}succeeded {2}http\S+\nproduction\/web {2}failed {2}why\n$/);
  expect(err).toBe('the build is queued\nbuild running\nbuild succeeded\n');
});

test('deploy --ref waits also for the deployments of a build that stands in', async () => {
  const terminal = await openTerminal(redis);
  const { project, ekiden } = terminal.api;
  const { builds, deployments } = ekiden;
  ekiden.buildRequests.request = async () => ({ id: 'b1' });
  await builds.create(sampleBuild({ project, state: 'running', twin: 'b0' }));
  await builds.create(sampleBuild({ project, id: 'b0', state: 'succeeded' }));
  const { find } = builds;
  let looks = 0;
  // The twin is handed on after it was looked at once.
  builds.find = async (id) => {
    if (id === 'b0' && ++looks === 2) {
      const state = 'failed' as const;
      await deployments.create(sampleDeployment({ project, state, reason: 'why' }));
      await builds.update('b0', { deployments: ['d1'] });
    }
    return find(id);
  };
  const { code, out } = await terminal.run('deploy', 'shop/front', '--ref', 'main', '--wait');
  expect([code, out]).toEqual([1, expect.stringContaining('production/web  failed  why\n')]);
});
