/** How services and their instances are, judged from Marathon's answers. */
import { describe, expect, it } from 'vitest';
import { appSchema } from '../../src/clients/marathon-model.ts';
import { countsOf, instancesOfApp } from '../../src/deploy/services/instances.ts';
import { type HealthFacts, healthOf } from '../../src/deploy/services/service-health.ts';

const old = '2026-01-01T00:00:00.000Z';
const now = '2026-01-02T00:00:00.000Z';
const scaled = '2026-01-03T00:00:00.000Z';
const alive = { alive: true };
const refused = { alive: false, consecutiveFailures: 2, lastFailureCause: 'connection refused' };
const inGrace = { alive: false, consecutiveFailures: 0, lastFailureCause: 'connection refused' };

const appOf = (tasks: object[], more: object = {}) =>
  appSchema.parse({
    ...{ id: '/a', version: now, instances: 2, healthChecks: [{ protocol: 'TCP' }] },
    tasks: tasks.map((task, index) => ({
      ...{ id: `t${index}`, appId: '/a', version: now, state: 'TASK_RUNNING', ...task },
    })),
    ...more,
  });

describe('an instance', () => {
  it.each([
    ['is being started', { state: 'TASK_STAGING' }, 'starting', undefined],
    ['was not checked yet', {}, 'starting', undefined],
    [
      'fails within its grace period',
      { healthCheckResults: [inGrace] },
      'starting',
      'connection refused',
    ],
    ['passes its check', { healthCheckResults: [alive] }, 'healthy', undefined],
    [
      'fails one of two checks',
      { healthCheckResults: [alive, refused] },
      'unhealthy',
      'connection refused',
    ],
    ['is on a lost node', { state: 'TASK_UNREACHABLE' }, 'unhealthy', 'its node does not answer'],
    ['is to end', { state: 'TASK_KILLING', healthCheckResults: [refused] }, 'stopping', undefined],
    ['has ended', { state: 'TASK_FAILED' }, 'stopping', undefined],
    ['is of an older definition', { version: old }, 'starting', undefined],
    [
      'is of an older definition with fewer checks',
      { version: old, healthCheckResults: [alive] },
      'healthy',
      undefined,
    ],
  ])('that %s', (_, task, state, reason) => {
    const checks = state === 'healthy' && 'version' in task ? 2 : 1;
    const healthChecks = Array(checks).fill({ protocol: 'TCP' });
    const [instance] = instancesOfApp(appOf([task], { healthChecks }), new Set());
    expect([instance?.state, instance?.reason]).toEqual([state, reason]);
  });

  it('without a check is healthy once it runs', () => {
    const app = appOf([{}, { state: 'TASK_STAGING' }], { healthChecks: [] });
    expect(instancesOfApp(app, new Set()).map(({ state }) => state)).toEqual([
      'healthy',
      'starting',
    ]);
  });

  it('that gets requests has passed the checks that Marathon no longer lists', () => {
    const [instance] = instancesOfApp(appOf([{ version: old }]), new Set(['t0']));
    expect(instance).toMatchObject({ state: 'healthy', isRouted: true });
  });

  it('is told with its place, the newest first', () => {
    const told = instancesOfApp(
      appOf([
        { host: 'node1', ports: [31_000], startedAt: old },
        { host: 'node2', ports: [31_001], startedAt: now },
        { state: 'TASK_STAGING' },
      ]),
      new Set(['t0']),
    );
    expect(told.map(({ id }) => id)).toEqual(['t2', 't1', 't0']);
    expect(told[2]).toEqual({
      ...{ id: 't0', state: 'starting', host: 'node1', ports: [31_000], version: now },
      ...{ startedAt: Date.parse(old), isRouted: true },
    });
  });
});

describe('countsOf', () => {
  it.each([
    ['nothing is there yet', [], { waiting: 2 }],
    [
      'new ones come up beside old ones',
      [{}, { version: old, healthCheckResults: [alive] }],
      { waiting: 1, starting: 1, healthy: 1 },
    ],
    [
      'one fails and one ends',
      [{ healthCheckResults: [refused] }, { state: 'TASK_KILLING' }],
      { waiting: 1, unhealthy: 1, stopping: 1 },
    ],
  ])('%s', (_, tasks, wanted) => {
    const app = appOf(tasks);
    const none = { waiting: 0, starting: 0, healthy: 0, unhealthy: 0, stopping: 0 };
    expect(countsOf(app, instancesOfApp(app, new Set()))).toEqual({
      wanted: 2,
      ...none,
      ...wanted,
    });
  });

  it('takes those that scaling added for the same configuration', () => {
    const app = appOf([{}, { version: scaled }], {
      version: scaled,
      versionInfo: { lastConfigChangeAt: now, lastScalingAt: scaled },
    });
    expect(countsOf(app, instancesOfApp(app, new Set()))).toMatchObject({
      waiting: 0,
      starting: 2,
    });
  });
});

describe('a service', () => {
  const facts = (wanted: number, healthy: number, current = healthy, isDeploying = false) => ({
    ...{ counts: { wanted, healthy }, current, isDeploying, why: 'HTTP 500' },
  });
  it.each<[string, HealthFacts, string, string | undefined]>([
    ['has all it wants', facts(2, 2), 'healthy', undefined],
    ['has more than it wants', facts(1, 3), 'healthy', undefined],
    ['lacks one', facts(3, 2), 'degraded', '2 of 3 instances are healthy: HTTP 500'],
    ['lacks all', facts(3, 0), 'down', 'no instance is healthy: HTTP 500'],
    ['wants none', facts(0, 0), 'stopped', 'no instance is wanted'],
    [
      'was scaled to nothing',
      { ...facts(0, 0), scaledBy: 'ada' },
      'stopped',
      'ada scaled it to 0 instances',
    ],
    [
      'comes for the first time',
      facts(2, 0, 0, true),
      'deploying',
      '0 of 2 new instances are healthy: HTTP 500',
    ],
    [
      'is being replaced',
      facts(2, 3, 1, true),
      'deploying',
      '1 of 2 new instances are healthy, 2 of before serve: HTTP 500',
    ],
    [
      'only waits for the old ones',
      facts(2, 3, 2, true),
      'deploying',
      '2 of 2 new instances are healthy, 1 of before serve',
    ],
    [
      'has all new ones, and the old ones end',
      { ...facts(2, 2, 2, true), counts: { wanted: 2, healthy: 2, stopping: 2 } },
      'deploying',
      '2 of 2 new instances are healthy, 2 of before end',
    ],
    ['is being stopped', facts(0, 1, 0, true), 'deploying', 'its instances are being stopped'],
    [
      'is healthy with old ones alone',
      facts(2, 2, 0),
      'degraded',
      '0 of 2 new instances are healthy, 2 of before serve: HTTP 500',
    ],
  ])('that %s', (_, given, health, reason) => {
    expect(healthOf(given)).toEqual({ health, ...(reason === undefined ? {} : { reason }) });
  });
});
