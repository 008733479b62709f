/** Tables of what follows from Marathon's apps and events. */
import { describe, expect, test } from 'vitest';
import type { MarathonApp, MarathonEvent, MarathonTask } from '../../src/clients/marathon.ts';
import { appSchema, eventSchema } from '../../src/clients/marathon-model.ts';
import { silent } from '../../src/core/log.ts';
import { matcherOf, readHint } from '../../src/discovery/hints.ts';
import { toFileData } from '../../src/discovery/renderers/file.ts';
import { createResolver } from '../../src/discovery/resolve.ts';
import { toUpstreams } from '../../src/discovery/upstreams.ts';

const v1 = '2026-01-01T00:00:00.000Z';
const v2 = '2026-01-02T00:00:00.000Z';

function task(id: string, more: Partial<MarathonTask> = {}): object {
  return { id, appId: '/a', host: '10.0.0.1', state: 'TASK_RUNNING', ports: [31000], ...more };
}

function app(more: object = {}, labels: object = {}): MarathonApp {
  return appSchema.parse({
    id: '/a',
    version: v1,
    instances: 1,
    labels: { 'ekiden.install': 'i1', 'ekiden.routes': 'a.test', ...labels },
    ...more,
  });
}

const checked = { healthChecks: [{ protocol: 'HTTP' }] };
const alive = { healthCheckResults: [{ alive: true }] as never };
const sick = { healthCheckResults: [{ alive: true }, { alive: false }] as never };

function membersOf(one: MarathonApp, served: string[] = []): string[] {
  const members = served.map((instance) => ({ instance, address: 'x:1', weight: 1 }));
  const previous = [{ app: '/a', routes: [], members }];
  const { upstreams } = toUpstreams([one], { install: 'i1', previous });
  return upstreams.flatMap((up) =>
    up.members.map(({ instance, address }) => `${instance} ${address}`),
  );
}

describe('a task is a member', () => {
  const old = { version: v1 };
  const changed = { version: v2, versionInfo: { lastConfigChangeAt: v2, lastScalingAt: v2 } };
  test.each([
    ['when it runs', app({ tasks: [task('t')] }), ['t 10.0.0.1:31000']],
    ['by its first port', app({ tasks: [task('t', { ports: [5, 6] })] }), ['t 10.0.0.1:5']],
    ['on IPv6', app({ tasks: [task('t', { host: 'fe80::1' })] }), ['t [fe80::1]:31000']],
    ['when healthy', app({ ...checked, tasks: [task('t', alive)] }), ['t 10.0.0.1:31000']],
    ['not when one check fails', app({ ...checked, tasks: [task('t', sick)] }), []],
    ['not before a verdict', app({ ...checked, tasks: [task('t')] }), []],
    ['not while staging', app({ tasks: [task('t', { state: 'TASK_STAGING' })] }), []],
    ['not while killed', app({ tasks: [task('t', { state: 'TASK_KILLING' })] }), []],
    ['not without a port', app({ tasks: [task('t', { ports: [] })] }), []],
    ['not with a hostile host', app({ tasks: [task('t', { host: 'a;b' })] }), []],
    ['not on port 0', app({ tasks: [task('t', { ports: [0] })] }), []],
  ])('%s', (_name, one, members) => expect(membersOf(one)).toEqual(members));

  test('at its own address where nothing is published', () => {
    const one = app({
      container: { portMappings: [{ containerPort: 8080 }] },
      tasks: [task('t', { ports: [], ipAddresses: [{ ipAddress: '172.18.0.2' }] })],
    });
    expect(membersOf(one)).toEqual(['t 172.18.0.2:8080']);
  });

  test('of an older definition as long as it served before the first check was declared', () => {
    const one = app({ ...changed, ...checked, tasks: [task('t', old)] });
    expect(membersOf(one, ['t'])).toEqual(['t 10.0.0.1:31000']);
    expect(membersOf(one)).toEqual([]);
  });

  test('of an older definition with fewer checks than the new one', () => {
    const two = { healthChecks: [{ protocol: 'HTTP' }, { protocol: 'TCP' }] };
    expect(
      membersOf(app({ ...changed, ...two, tasks: [task('t', { ...old, ...alive })] })),
    ).toHaveLength(1);
    const now = { version: v2, ...alive };
    expect(membersOf(app({ ...changed, ...two, tasks: [task('t', now)] }))).toEqual([]);
  });
});

describe('upstreams', () => {
  const owners = (apps: MarathonApp[], previous = [] as never[]) =>
    toUpstreams(apps, { install: 'i1', previous });

  test('are those of this install that claim a route', () => {
    const { upstreams } = owners([
      app({ id: '/foreign' }, { 'ekiden.install': 'i2' }),
      appSchema.parse({ id: '/w', version: v1, instances: 1, labels: { 'ekiden.install': 'i1' } }),
      app(),
    ]);
    expect(upstreams).toEqual([
      { app: '/a', routes: [{ host: 'a.test', path: '/' }], members: [] },
    ]);
  });

  test('are the same whatever the order of the answer', () => {
    const tasks = [task('t2'), task('t1')];
    const one = app({ tasks }, { 'ekiden.routes': 'z.test,a.test' });
    const two = app({ id: '/b' }, { 'ekiden.routes': 'b.test' });
    const turned = app({ tasks: tasks.toReversed() }, { 'ekiden.routes': 'a.test,z.test' });
    expect(JSON.stringify(owners([one, two]))).toBe(JSON.stringify(owners([two, turned])));
  });

  test('a route claimed twice stays with the older definition, and that is told', () => {
    const { upstreams, problems } = owners([app({ id: '/new', version: v2 }), app({ id: '/old' })]);
    expect(upstreams.map((up) => up.app)).toEqual(['/old']);
    expect(problems).toEqual([{ app: '/new', route: 'a.test/', reason: 'belongs to /old' }]);
  });

  test('who holds a route keeps it through a deployment of his own', () => {
    const routes = [{ host: 'a.test', path: '/' }];
    const previous = [{ app: '/a', routes, members: [] }];
    const apps = [app({ version: v2 }), app({ id: '/thief' })];
    const { upstreams } = toUpstreams(apps, { install: 'i1', previous });
    expect(upstreams.map((up) => up.app)).toEqual(['/a']);
  });

  test('a hostile label is told and the rest of it served', () => {
    const { upstreams, problems } = owners([app({}, { 'ekiden.routes': 'a.test;}, b.test' })]);
    expect(upstreams[0]?.routes).toEqual([{ host: 'b.test', path: '/' }]);
    expect(problems[0]).toMatchObject({ app: '/a', route: 'a.test;}' });
  });
});

describe('an event hints at', () => {
  const event = (eventType: string, more: object): MarathonEvent =>
    eventSchema.parse({ eventType, ...more });
  const update = (taskStatus: string) =>
    event('status_update_event', { appId: '/a', taskId: 't', taskStatus });
  const condition = (name: string) =>
    event('instance_changed_event', { runSpecId: '/a', instanceId: 't', condition: name });
  const plan = { id: 'd', steps: [{ actions: [{ app: '/a' }, { app: '/b' }] }] };

  test.each([
    [update('TASK_RUNNING'), undefined],
    [update('TASK_STAGING'), undefined],
    [update('TASK_KILLING'), { task: 't', forGood: true }],
    [update('TASK_FAILED'), { task: 't', forGood: true }],
    [update('TASK_FINISHED'), { task: 't', forGood: true }],
    [update('TASK_UNREACHABLE'), { task: 't', forGood: false }],
    [update('TASK_LOST'), { task: 't', forGood: false }],
    [condition('Running'), undefined],
    [condition('Scheduled'), undefined],
    [condition('Killing'), { task: 't', forGood: true }],
    [condition('UnreachableInactive'), { task: 't', forGood: false }],
    [
      event('health_status_changed_event', { appId: '/a', instanceId: 't', alive: false }),
      { task: 't', forGood: false },
    ],
    [
      event('health_status_changed_event', { appId: '/a', instanceId: 't', alive: true }),
      undefined,
    ],
    [
      event('instance_health_changed_event', { runSpecId: '/a', instanceId: 't', healthy: false }),
      { task: 't', forGood: false },
    ],
    [
      event('instance_health_changed_event', { runSpecId: '/a', instanceId: 't', healthy: null }),
      undefined,
    ],
  ])('one task: %j', (given, leaving) => {
    expect(readHint(given)).toEqual({
      apps: ['/a'],
      definition: false,
      ...(leaving && { leaving }),
    });
  });

  test.each([
    [event('api_post_event', { appDefinition: { id: 'a' } }), ['/a']],
    [event('app_terminated_event', { appId: '/a' }), ['/a']],
    [event('deployment_success', { id: 'd', plan }), ['/a', '/b']],
  ])('definitions: %j', (given, apps) => {
    expect(readHint(given)).toEqual({ apps, definition: true });
  });

  const uuid = 'c7c311a4-b669-11e6-a48f-0ea4f4b1778c';
  test.each([
    [`a.instance-${uuid}`, `a.instance-${uuid}._app.1`, true],
    [`a.instance-${uuid}._app.1`, `a.instance-${uuid}._app.1`, true],
    [`a.marathon-${uuid}`, `a.${uuid}`, true],
    [`a.instance-${uuid}._app.1`, `a.instance-${uuid}._app.12`, false],
    ['a.1', 'a.12', false],
  ])('instance %s, task %s: %s', (id, taskId, same) => {
    expect(matcherOf(id)({ id: taskId })).toBe(same);
  });
});

test('file mode is given hosts, patterns by length and plain comments', () => {
  const member = { instance: 'i\n}', address: '10.0.0.1:80', weight: 2 };
  const data = toFileData(
    [
      { app: '/a;', routes: [{ host: 'a.test', path: '/' }], members: [member] },
      {
        app: '/b',
        routes: [
          { host: 'a.test', path: '/b' },
          { host: 'a.test', path: '/b.c' },
        ],
        members: [{ ...member, weight: 0 }],
      },
    ],
    'r1',
  );
  const name = data.upstreams[0]?.name ?? '';
  expect(name).toMatch(/^app_[0-9a-f]{16}$/);
  expect(data).toEqual({
    revision: 'r1',
    hosts: [{ host: 'a.test', upstream: name }],
    paths: [
      { pattern: 'a\\.test/b\\.c', upstream: '-' },
      { pattern: 'a\\.test/b', upstream: '-' },
    ],
    upstreams: [{ name, app: '/a?', members: [{ ...member, instance: 'i??' }] }],
  });
});

test('names of nodes become addresses, the last known one when the lookup fails', async () => {
  const known: Record<string, string> = { node1: '10.0.0.1' };
  const resolveNames = createResolver({
    log: silent,
    lookup: async (host) => {
      const address = known[host];
      if (address === undefined) throw new Error('unknown');
      return address;
    },
  });
  const list = (...addresses: string[]) => [
    {
      app: '/a',
      routes: [],
      members: addresses.map((address) => ({ instance: address, address, weight: 1 })),
    },
  ];
  const addressesOf = async (...addresses: string[]) =>
    (await resolveNames(list(...addresses)))[0]?.members.map(({ address }) => address);
  expect(await addressesOf('node1:80', 'node2:80', '10.0.0.9:1', '[::1]:2')).toEqual([
    '10.0.0.1:80',
    '10.0.0.9:1',
    '[::1]:2',
  ]);
});
