/** Marathon's GroupDeployIntegrationTest: groups that are made, changed, deleted and rolled back. */
import { describe, expect, it } from 'vitest';
import { app, COMMAND_CHECK, FAILING_CHECK } from './definitions.ts';
import { type Json, useMarathon } from './marathon.ts';

const marathon = useMarathon();

const healthy = (id: string, more: object = {}) =>
  app(id, { healthChecks: [COMMAND_CHECK], ...more });
const ids = (tasks: Json[]) => tasks.map(({ id }) => id).sort();

describe('GroupDeployment', () => {
  it('create empty group successfully', async () => {
    const id = marathon.group();
    const created = await marathon.api('POST', '/v2/groups', { id });
    expect(created.status).toBe(201);
    await marathon.finished(created.body.deploymentId);
    expect(await marathon.ok('GET', `/v2/groups${id}`)).toMatchObject({ id, apps: [], groups: [] });
  });

  it('update empty group successfully', async () => {
    const id = marathon.group();
    await marathon.deployed('POST', '/v2/groups', { id });
    await marathon.deployed('PUT', `/v2/groups${id}`, { id, dependencies: ['/test'] });
    expect((await marathon.ok('GET', `/v2/groups${id}`)).dependencies).toEqual(['/test']);
  });

  it('deleting an existing group gives a 200 http response', async () => {
    const id = marathon.group();
    await marathon.deployed('POST', '/v2/groups', { id });
    const deleted = await marathon.api('DELETE', `/v2/groups${id}`);
    expect(deleted.status).toBe(200);
    await marathon.finished(deleted.body.deploymentId);
    const { groups } = await marathon.ok('GET', '/v2/groups');
    expect(groups.map((group: Json) => group.id)).not.toContain(id);
  });

  it('delete a non existing group should give a 404 http response', async () => {
    const id = marathon.group();
    expect(await marathon.api('DELETE', `/v2/groups${id}`)).toMatchObject({
      status: 404,
      body: { message: `Group '${id}' does not exist` },
    });
  });

  it('create a group with applications to start', async () => {
    const id = marathon.group();
    const apps = [app(`${id}/app`, { instances: 2 })];
    await marathon.deployed('POST', '/v2/groups', { id, apps });
    await marathon.running(`${id}/app`, 2);
  });

  it('update a group with applications to restart', async () => {
    const id = marathon.group();
    const apps = (env: object) => [app(`${id}/app`, { instances: 2, env })];
    await marathon.deployed('POST', '/v2/groups', { id, apps: apps({ V: '1' }) });
    const before = await marathon.running(`${id}/app`, 2);
    const { version } = await marathon.deployed('PUT', `/v2/groups${id}`, {
      id,
      apps: apps({ V: '2' }),
    });
    const after = await marathon.running(`${id}/app`, 2);
    expect(after.map((task) => task.version)).toEqual([version, version]);
    expect(ids(after)).not.toEqual(expect.arrayContaining(ids(before).slice(0, 1)));
  });

  it('update a group with the same application so no restart is triggered', async () => {
    const id = marathon.group();
    const body = { id, apps: [app(`${id}/app`, { instances: 2 })] };
    await marathon.deployed('POST', '/v2/groups', body);
    const before = await marathon.running(`${id}/app`, 2);
    await marathon.deployed('PUT', `/v2/groups${id}`, body);
    expect(ids(await marathon.running(`${id}/app`, 2))).toEqual(ids(before));
  });

  it('create a group with application with health checks', async () => {
    const id = marathon.group();
    await marathon.deployed('POST', '/v2/groups', { id, apps: [healthy(`${id}/app`)] });
    const embed = 'embed=group.apps&embed=group.apps.counts';
    const { apps } = await marathon.ok('GET', `/v2/groups${id}?${embed}`);
    expect(apps).toMatchObject([{ id: `${id}/app`, tasksHealthy: 1, tasksUnhealthy: 0 }]);
  });

  it('upgrade a group with application with health checks', async () => {
    const id = marathon.group();
    await marathon.deployed('POST', '/v2/groups', { id, apps: [healthy(`${id}/app`)] });
    const apps = [healthy(`${id}/app`, { env: { V: '2' } })];
    const { version } = await marathon.deployed('PUT', `/v2/groups${id}`, { id, apps });
    const [task] = await marathon.running(`${id}/app`, 1);
    expect(task).toMatchObject({ version, healthCheckResults: [{ alive: true }] });
  });

  it('rollback from an upgrade of group', async () => {
    const id = marathon.group();
    const apps = (V: string) => [app(`${id}/app`, { instances: 2, env: { V } })];
    const first = await marathon.deployed('POST', '/v2/groups', { id, apps: apps('1') });
    await marathon.deployed('PUT', `/v2/groups${id}`, { id, apps: apps('2') });
    await marathon.deployed('PUT', `/v2/groups${id}`, { version: first.version });
    expect((await marathon.ok('GET', `/v2/apps${id}/app`)).app.env).toEqual({ V: '1' });
    await marathon.running(`${id}/app`, 2);
  });
});

describe('GroupDeployment under way', () => {
  /** A group whose app is well, and the deployment that hangs because its next version is not. */
  async function hanging(
    instances = 1,
  ): Promise<{ id: string; old: Json[]; deploymentId: string }> {
    const id = marathon.group();
    const apps = (more: object) => [healthy(`${id}/app`, { instances, ...more })];
    await marathon.deployed('POST', '/v2/groups', { id, apps: apps({}) });
    const old = await marathon.running(`${id}/app`, instances);
    const ill = { id, apps: apps({ healthChecks: [FAILING_CHECK] }) };
    const { deploymentId } = await marathon.ok('PUT', `/v2/groups${id}`, ill);
    return { id, old, deploymentId };
  }

  it('during Deployment the defined minimum health capacity is never undershot', async () => {
    const { id, old, deploymentId } = await hanging(2);
    const tasks = await marathon.running(`${id}/app`, 4);
    expect(ids(tasks)).toEqual(expect.arrayContaining(ids(old)));
    const well = { id, apps: [healthy(`${id}/app`, { instances: 2, env: { V: '3' } })] };
    await marathon.deployed('PUT', `/v2/groups${id}?force=true`, well);
    await marathon.finished(deploymentId);
    await marathon.running(`${id}/app`, 2);
  });

  it('An upgrade in progress cannot be interrupted without force', async () => {
    const events = await marathon.events('?event_type=group_change_failed');
    const { id, deploymentId } = await hanging();
    const next = { id, apps: [healthy(`${id}/app`, { env: { V: '3' } })] };
    const refused = await marathon.api('PUT', `/v2/groups${id}`, next);
    expect(refused).toMatchObject({ status: 409, body: { deployments: [{ id: deploymentId }] } });
    await expect.poll(() => events).toMatchObject([{ data: { groupId: '/' } }]);
    await marathon.deployed('PUT', `/v2/groups${id}?force=true`, next);
  });

  it('A group with a running deployment can not be deleted without force', async () => {
    const events = await marathon.events('?event_type=group_change_failed');
    const { id } = await hanging();
    expect((await marathon.api('DELETE', `/v2/groups${id}`)).status).toBe(409);
    await expect.poll(() => events.length).toBe(1);
    await marathon.deployed('DELETE', `/v2/groups${id}?force=true`);
    expect((await marathon.api('GET', `/v2/groups${id}`)).status).toBe(404);
    expect((await marathon.api('GET', `/v2/apps${id}/app`)).status).toBe(404);
  });
});
