/** Marathon's AppDeployIntegrationTest: changing, scaling, restarting and ending apps. */
import { describe, expect, it } from 'vitest';
import { app } from './definitions.ts';
import { type Json, until, useMarathon } from './marathon.ts';
import { created, HTTP_CHECK, server, serves, statusUpdates } from './servers.ts';

const marathon = useMarathon();

const ids = (tasks: Json[]) => tasks.map(({ id }) => id);

describe('AppDeploy', () => {
  it.each([
    ['update an app', 'PUT'],
    ['update an app through patch request', 'PATCH'],
  ])('%s', async (title, method) => {
    const id = `${marathon.group()}/${title.replaceAll(' ', '-')}`;
    const healthChecks = [HTTP_CHECK];
    const before = await created(marathon, server(id, 'v1', { healthChecks }));
    const { app: first } = await marathon.ok('GET', `/v2/apps${id}`);
    await marathon.deployed(method, `/v2/apps${id}`, { cmd: server(id, 'v2').cmd });
    const [task] = await marathon.running(id, 1);
    expect(ids(before)).not.toContain(task.id);
    await serves(task, 'v2');
    const { app: second } = await marathon.ok('GET', `/v2/apps${id}`);
    expect(second.healthChecks).toEqual(first.healthChecks);
  });

  it('scale an app up and down', async () => {
    const id = `${marathon.group()}/scale-up-and-down`;
    const [first] = await created(marathon, app(id));
    const events = await marathon.events();
    await marathon.deployed('PUT', `/v2/apps${id}`, { instances: 2 });
    await marathon.running(id, 2);
    await marathon.deployed('PUT', `/v2/apps${id}`, { instances: 1 });
    await statusUpdates(events, { appId: id, state: 'TASK_KILLED' });
    expect(ids(await marathon.running(id, 1))).toEqual([first.id]);
  });

  it('restart an app', async () => {
    const id = `${marathon.group()}/restarted`;
    const before = await created(marathon, app(id));
    const { version } = await marathon.deployed('POST', `/v2/apps${id}/restart`);
    const [task] = await marathon.running(id, 1);
    expect(ids(before)).not.toContain(task.id);
    const { app: info } = await marathon.ok('GET', `/v2/apps${id}`);
    expect(info.versionInfo.lastConfigChangeAt).toBe(version);
  });

  it('list app versions', async () => {
    const id = `${marathon.group()}/list-app-versions`;
    const { version } = await marathon.deployed('POST', '/v2/apps', app(id));
    expect(await marathon.ok('GET', `/v2/apps${id}/versions`)).toEqual({ versions: [version] });
  });

  it('correctly version apps on update', async () => {
    const id = `${marathon.group()}/correctly-version`;
    const first = await marathon.deployed('POST', '/v2/apps', app(id));
    const second = await marathon.deployed('PUT', `/v2/apps${id}`, { disk: 1 });
    const of = (version: string) => marathon.ok('GET', `/v2/apps${id}/versions/${version}`);
    expect((await of(first.version)).disk).toBe(0);
    expect((await of(second.version)).disk).toBe(1);
  });

  it('kill a task of an App', async () => {
    const id = `${marathon.group()}/kill-a-task`;
    const [task] = await created(marathon, app(id));
    const events = await marathon.events();
    const reply = await marathon.ok('DELETE', `/v2/apps${id}/tasks/${task.id}`);
    expect(reply.task.id).toBe(task.id);
    await statusUpdates(events, { appId: id, state: 'TASK_KILLED' });
    await until(async () => {
      const tasks = await marathon.tasks(id);
      return tasks.length === 1 && tasks[0].id !== task.id && tasks[0].state === 'TASK_RUNNING';
    });
  });

  it('kill a task of an App with scaling', async () => {
    const id = `${marathon.group()}/kill-a-task-with-scaling`;
    const [task, other] = await created(marathon, app(id, { instances: 2 }));
    const events = await marathon.events();
    await marathon.deployed('DELETE', `/v2/apps${id}/tasks/${task.id}?scale=true`);
    await statusUpdates(events, { appId: id, state: 'TASK_KILLED' });
    expect(ids(await marathon.running(id, 1))).toEqual([other.id]);
    expect((await marathon.ok('GET', `/v2/apps${id}`)).app.instances).toBe(1);
  });

  it('kill all tasks of an App', async () => {
    const id = `${marathon.group()}/kill-all-tasks`;
    const before = await created(marathon, app(id, { instances: 2 }));
    const events = await marathon.events();
    const reply = await marathon.ok('DELETE', `/v2/apps${id}/tasks`);
    expect(ids(reply.tasks).sort()).toEqual(ids(before).sort());
    await statusUpdates(events, { appId: id, state: 'TASK_KILLED', count: 2 });
    await until(async () => {
      const tasks = await marathon.tasks(id);
      const fresh = tasks.filter((one) => !ids(before).includes(one.id));
      return fresh.filter(({ state }) => state === 'TASK_RUNNING').length === 2;
    });
  });

  it('kill all tasks of an App with scaling', async () => {
    const id = `${marathon.group()}/kill-all-tasks-with-scaling`;
    await created(marathon, app(id, { instances: 2 }));
    const reply = await marathon.deployed('DELETE', `/v2/apps${id}/tasks?scale=true`);
    expect(reply.version).toMatch(/Z$/);
    await marathon.running(id, 0);
    expect((await marathon.ok('GET', `/v2/apps${id}`)).app.instances).toBe(0);
  });

  it('delete an application', async () => {
    const group = marathon.group();
    await created(marathon, app(`${group}/delete`));
    await marathon.deployed('DELETE', `/v2/apps${group}/delete`);
    expect((await marathon.ok('GET', `/v2/apps?id=${group}`)).apps).toEqual([]);
  });

  it('Docker info is not automagically created', async () => {
    const id = `${marathon.group()}/no-docker-info`;
    const definition = app(id, { cmd: 'sleep 1', instances: 0, container: { type: 'MESOS' } });
    await marathon.deployed('POST', '/v2/apps', definition);
    const container = async () => (await marathon.ok('GET', `/v2/apps${id}`)).app.container;
    expect(await container()).toMatchObject({ type: 'MESOS', volumes: [] });
    expect((await container()).docker).toBeUndefined();
    await marathon.deployed('PUT', `/v2/apps${id}`, { cmd: 'sleep 100' });
    expect((await container()).type).toBe('MESOS');
    expect((await container()).docker).toBeUndefined();
  });

  it('create a simple app with a docker container and update it', async () => {
    const id = `${marathon.group()}/docker-container`;
    const container = (containerPort: number) => ({
      type: 'DOCKER',
      docker: { image: 'jdef/helpme' },
      portMappings: [{ containerPort, protocol: 'tcp' }],
    });
    const networks = [{ mode: 'container/bridge' }];
    const definition = app(id, { instances: 0, networks, container: container(3000) });
    await marathon.deployed('POST', '/v2/apps', definition);
    await marathon.deployed('PUT', `/v2/apps${id}?force=true`, { container: container(4000) });
    const { app: info } = await marathon.ok('GET', `/v2/apps${id}`);
    expect(info.container.portMappings).toMatchObject([{ containerPort: 4000, hostPort: 0 }]);
  });

  it('update an app and make sure ports are set correctly', async () => {
    const id = `${marathon.group()}/ports`;
    const docker = { image: 'tomcat:8.0', network: 'HOST' };
    const definition = {
      id,
      mem: 512,
      cpus: 1,
      instances: 0,
      container: { type: 'DOCKER', docker },
    };
    expect((await marathon.api('PUT', `/v2/apps${id}`, definition)).status).toBe(201);
    const { app: info } = await marathon.ok('GET', `/v2/apps${id}`);
    expect(info.portDefinitions[0].port).toBeGreaterThanOrEqual(10_000);
    expect(info.portDefinitions[0].port).toBeLessThanOrEqual(20_000);
    expect(info.container.docker.network).toBeUndefined();
  });
});
