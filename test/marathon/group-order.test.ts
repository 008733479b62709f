/** Marathon's GroupDeployIntegrationTest: dependencies among groups and apps, and who may set a role. */
import { describe, expect, it } from 'vitest';
import { app } from './definitions.ts';
import { type Json, useMarathon } from './marathon.ts';
import { eventOf } from './servers.ts';

const marathon = useMarathon();

/** Makes the group and tells in which order its apps came to run. */
async function startOrder(body: Json): Promise<string[]> {
  const types = '?event_type=status_update_event&event_type=deployment_success';
  const events = await marathon.events(types);
  const { deploymentId } = await marathon.deployed('POST', '/v2/groups', body);
  // All that it started was told before.
  await eventOf(events, 'deployment_success', ({ id }) => id === deploymentId);
  const started: string[] = events
    .filter(
      ({ data }) => data.taskStatus === 'TASK_RUNNING' && data.appId.startsWith(`${body.id}/`),
    )
    .map(({ data }) => data.appId);
  return [...new Set(started)];
}

describe('Dependencies', () => {
  it('Groups with Applications with circular dependencies cannot get deployed', async () => {
    const id = marathon.group();
    const apps = [
      app(`${id}/db`, { dependencies: [`${id}/frontend`] }),
      app(`${id}/service`, { dependencies: [`${id}/db`] }),
      app(`${id}/frontend`, { dependencies: [`${id}/service`] }),
    ];
    const refused = await marathon.api('POST', '/v2/groups', { id, apps });
    expect(refused.status).toBe(422);
    const errors = refused.body.details.flatMap((detail: Json) => detail.errors);
    expect(errors.join()).toContain('cyclic dependencies');
    expect((await marathon.api('GET', `/v2/groups${id}`)).status).toBe(404);
  });

  it('Applications with dependencies get deployed in the correct order', async () => {
    const id = marathon.group();
    const apps = [
      app(`${id}/frontend`, { dependencies: [`${id}/service`] }),
      app(`${id}/service`, { dependencies: [`${id}/db`] }),
      app(`${id}/db`),
    ];
    expect(await startOrder({ id, apps })).toEqual([`${id}/db`, `${id}/service`, `${id}/frontend`]);
  });

  it('Groups with dependencies get deployed in the correct order', async () => {
    const id = marathon.group();
    const groups = [
      { id: 'frontend', apps: [app('app')], dependencies: [`${id}/service`] },
      { id: 'service', apps: [app('app')], dependencies: [`${id}/db`] },
      { id: 'db', apps: [app('app')] },
    ];
    expect(await startOrder({ id, groups })).toEqual([
      `${id}/db/app`,
      `${id}/service/app`,
      `${id}/frontend/app`,
    ]);
  });

  it('Groups with relative dependencies still can be deployed', async () => {
    const id = marathon.group();
    const groups = [
      { id: 'service', apps: [app('app')], dependencies: ['../db'] },
      { id: 'db', apps: [app('app')] },
    ];
    expect(await startOrder({ id, groups })).toEqual([`${id}/db/app`, `${id}/service/app`]);
  });
});

describe('Roles', () => {
  it('Groups enforce role setting cannot be changed with an update', async () => {
    const id = marathon.group();
    const body = { id, enforceRole: false, apps: [app(`${id}/app`, { instances: 0 })] };
    await marathon.deployed('POST', '/v2/groups', body);
    const refused = await marathon.api('PUT', `/v2/groups${id}`, { ...body, enforceRole: true });
    expect(refused.status).toBe(422);
    expect((await marathon.ok('GET', `/v2/groups${id}`)).enforceRole).toBe(false);
  });

  it('Patching second level group fails', async () => {
    const id = marathon.group();
    await marathon.deployed('POST', '/v2/groups', { id, groups: [{ id: 'second' }] });
    const path = `/v2/groups${id}/second`;
    expect((await marathon.api('PATCH', path, { enforceRole: true })).status).toBe(422);
  });

  it('Patching top level group succeeds', async () => {
    const id = marathon.group();
    await marathon.deployed('POST', '/v2/groups', { id, enforceRole: false });
    expect((await marathon.api('PATCH', `/v2/groups${id}`, { enforceRole: true })).status).toBe(
      200,
    );
    expect((await marathon.ok('GET', `/v2/groups${id}`)).enforceRole).toBe(true);
  });
});
