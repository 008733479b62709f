/** Marathon's AppDeployIntegrationTest: creating apps, with checks of every kind and without. */
import { describe, expect, it } from 'vitest';
import { app, COMMAND_CHECK } from './definitions.ts';
import { type Json, useMarathon } from './marathon.ts';
import {
  created,
  deploymentsOf,
  eventOf,
  HTTP_CHECK,
  illServer,
  server,
  statusOf,
  statusUpdates,
  tell,
} from './servers.ts';

const marathon = useMarathon();

describe('AppDeploy', () => {
  it('create a simple app without health checks', async () => {
    const id = `${marathon.group()}/without-health-checks`;
    const [task] = await created(marathon, server(id));
    expect(task.appId).toBe(id);
    expect(task.healthCheckResults ?? []).toEqual([]);
  });

  it('redeploying an app without changes should not cause restarts', async () => {
    const id = `${marathon.group()}/without-changes`;
    const before = await created(marathon, app(id));
    const { cmd } = app(id);
    await marathon.deployed('PUT', `/v2/apps${id}`, { id, cmd });
    expect(await marathon.running(id, 1)).toEqual(before);
  });

  it('increase the app count metric when an app is created', async () => {
    const id = `${marathon.group()}/with-increased-count`;
    const count = async () =>
      (await marathon.ok('GET', '/metrics')).gauges['marathon.apps.active.gauge'].value;
    const before = await count();
    await marathon.deployed('POST', '/v2/apps', app(id));
    await expect.poll(count).toBe(before + 1);
  });

  it.each([
    ['create a simple app with a Marathon HTTP health check', HTTP_CHECK],
    [
      'create a simple app with a Mesos HTTP health check',
      { ...HTTP_CHECK, protocol: 'MESOS_HTTP' },
    ],
    ['create a simple app with a Marathon TCP health check', { ...HTTP_CHECK, protocol: 'TCP' }],
    ['create a simple app with a Mesos TCP health check', { ...HTTP_CHECK, protocol: 'MESOS_TCP' }],
    ['create a simple app with a COMMAND health check', COMMAND_CHECK],
  ])('%s', async (title, check) => {
    const id = `${marathon.group()}/${title.replaceAll(' ', '-').toLowerCase()}`;
    const path = check.protocol.endsWith('HTTP') ? { path: '/health' } : { path: undefined };
    const healthChecks = [{ ...check, ...path }];
    await created(marathon, server(id, 'v1', { healthChecks }));
    const { app: info } = await marathon.ok('GET', `/v2/apps${id}`);
    expect(info).toMatchObject({ tasksRunning: 1, tasksHealthy: 1, tasksUnhealthy: 0 });
    expect(info.tasks[0].healthCheckResults).toMatchObject([
      { alive: true, consecutiveFailures: 0, instanceId: expect.stringContaining('instance-') },
    ]);
  });

  it('create a simple app with a Marathon HTTP health check using port instead of portIndex', async () => {
    const group = marathon.group();
    const [other] = await created(marathon, app(`${group}/finds-a-port`));
    const [port] = other.ports;
    await marathon.deployed('DELETE', `/v2/apps${group}/finds-a-port`);
    const { portIndex: _, ...check } = HTTP_CHECK;
    const definition = server(`${group}/using-port`, 'v1', {
      portDefinitions: [{ port }],
      requirePorts: true,
      healthChecks: [{ ...check, port }],
    });
    const [task] = await created(marathon, definition);
    expect(task.ports).toEqual([port]);
  });

  it('list running apps and tasks', async () => {
    const group = marathon.group();
    const id = `${group}/listing-running-apps-and-tasks`;
    const tasks = await created(marathon, app(id, { instances: 2 }));
    expect(tasks).toHaveLength(2);
    const { apps } = await marathon.ok('GET', `/v2/apps?id=${group}&embed=apps.tasks`);
    expect(apps.map((one: Json) => [one.id, one.tasks.length])).toEqual([[id, 2]]);
    const below = await marathon.ok('GET', `/v2/apps${group}/*`);
    expect(below['*'].map((one: Json) => one.id)).toEqual([id]);
  });

  it('an unhealthy app fails to deploy', async () => {
    const id = `${marathon.group()}/unhealthy-fails-to-deploy`;
    const events = await marathon.events();
    const healthChecks = [{ ...HTTP_CHECK, gracePeriodSeconds: 0, maxConsecutiveFailures: 100 }];
    await marathon.ok('POST', '/v2/apps', illServer(id, 'v1', { healthChecks }));
    await eventOf(events, 'failed_health_check_event', ({ appId }) => appId === id);
    expect(await deploymentsOf(marathon, id)).toHaveLength(1);
    expect(events.map(({ type }) => type)).not.toContain('deployment_success');
    await marathon.deployed('DELETE', `/v2/apps${id}?force=true`);
    expect((await marathon.api('GET', `/v2/apps${id}`)).status).toBe(404);
  });

  it('an unhealthy app fails to deploy because health checks takes too long to pass', async () => {
    const id = `${marathon.group()}/health-check-takes-too-long`;
    const events = await marathon.events();
    const healthChecks = [{ ...HTTP_CHECK, gracePeriodSeconds: 0, maxConsecutiveFailures: 1 }];
    await marathon.ok('POST', '/v2/apps', illServer(id, 'v1', { healthChecks }));
    await eventOf(events, 'unhealthy_instance_kill_event', ({ appId }) => appId === id);
    expect(await deploymentsOf(marathon, id)).toHaveLength(1);
    expect(events.map(({ type }) => type)).not.toContain('deployment_success');
    await marathon.deployed('DELETE', `/v2/apps${id}?force=true`);
  });

  it('create and deploy an app with two tasks', async () => {
    const group = marathon.group();
    const id = `${group}/two-tasks`;
    const events = await marathon.events();
    const reply = await marathon.api('POST', '/v2/apps', server(id, 'v1', { instances: 2 }));
    const [{ id: deployment }] = reply.body.deployments;
    await eventOf(events, 'deployment_success', (data) => data.id === deployment);
    expect(await deploymentsOf(marathon, id)).toEqual([]);
    const post = await eventOf(events, 'api_post_event', (data) => data.appDefinition.id === id);
    expect(post).toMatchObject({ clientIp: expect.any(String), uri: '/v2/apps' });
    await eventOf(events, 'group_change_success', ({ groupId }) => groupId === group);
    await statusUpdates(events, { appId: id, state: 'TASK_RUNNING', count: 2 });
    for (const task of await marathon.running(id, 2)) await tell(task, 'mend');
    for (const task of await marathon.tasks(id)) expect(await statusOf(task, '/health')).toBe(200);
  });

  it('create a simple app with tty configured should succeed', async () => {
    const id = `${marathon.group()}/with-tty`;
    const events = await marathon.events();
    const cmd = 'if [ -t 0 ]; then exec sleep 100; else exit 1; fi';
    await marathon.deployed(
      'POST',
      '/v2/apps',
      app(id, { tty: true, cmd, taskKillGracePeriodSeconds: 0 }),
    );
    await statusUpdates(events, { appId: id, state: 'TASK_RUNNING' });
    expect(await marathon.tasks(id)).toMatchObject([{ state: 'TASK_RUNNING' }]);
  });

  it('create a simple app with tty configured should fail', async () => {
    const id = `${marathon.group()}/without-tty`;
    const events = await marathon.events();
    const cmd = 'if [ -t 0 ]; then exec sleep 100; else exit 1; fi';
    await marathon.deployed('POST', '/v2/apps', app(id, { cmd }));
    await statusUpdates(events, { appId: id, state: 'TASK_FAILED' });
  });
});
