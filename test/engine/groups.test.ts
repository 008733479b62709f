/** The REST API of groups beyond Marathon's scenarios: embeds, versions, plans, scaling, odd paths, what a crash leaves. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Json, plain, startTestEngine, type TestEngine, until } from './harness.ts';
import { expectType } from './schema.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.close());

const none = (id: string, more: object = {}) => ({ ...plain(id), instances: 0, ...more });

async function get(path: string): Promise<Json> {
  const { status, body } = await engine.api('GET', path);
  expect([path, status]).toEqual([path, 200]);
  return body;
}

async function make(body: Json): Promise<Json> {
  const reply = await engine.api('POST', '/v2/groups', body);
  expect([reply.status, reply.body]).toEqual([201, expect.anything()]);
  expectType('deploymentResult.DeploymentResult', reply.body);
  expect(reply.headers.get('marathon-deployment-id')).toBe(reply.body.deploymentId);
  return reply.body;
}

const idsOf = (list: Json[]) => list.map(({ id }) => id);

describe('reading a group', () => {
  it('embeds what is asked for', async () => {
    await make({
      id: '/embed',
      apps: [plain('app')],
      groups: [{ id: 'below', apps: [none('x')] }],
    });
    await engine.settled('/embed/app');
    const bare = await get('/v2/groups/embed');
    expectType('group.GroupInfo', bare);
    expect(Object.keys(bare.apps[0])).not.toContain('tasksRunning');
    expect(bare).toMatchObject({
      apps: [{ id: '/embed/app' }],
      groups: [{ id: '/embed/below', apps: [{ id: '/embed/below/x' }], enforceRole: false }],
    });
    expect(await get('/v2/groups/embed?embed=group.groups')).toMatchObject({
      apps: [],
      groups: [{ id: '/embed/below', apps: [] }],
    });
    const full = await get(
      '/v2/groups/embed?embed=group.apps.counts&embed=group.apps.tasks&embed=group.apps.taskStats',
    );
    expectType('group.GroupInfo', full);
    expect(full).toMatchObject({
      groups: [],
      apps: [{ tasksRunning: 1, deployments: [], tasks: [{ state: 'TASK_RUNNING' }] }],
    });
    expect(full.apps[0].tasksStats.totalSummary.stats.counts).toEqual({
      staged: 0,
      running: 1,
      healthy: 0,
      unhealthy: 0,
    });
  });

  it('lists the apps of a group, and the groups of all ways to write it', async () => {
    await make({ id: '/paths/a', apps: [none('x')] });
    expect(idsOf(await get('/v2/groups/paths/apps'))).toEqual(['/paths/a/x']);
    expect(idsOf(await get('/v2/groups/apps'))).toContain('/paths/a/x');
    expect(idsOf((await get('/v2/apps/paths/*'))['*'])).toEqual(['/paths/a/x']);
    for (const path of ['/v2/groups//paths/a', '/v2/groups/paths%2Fa/', '//v2/groups/paths//a']) {
      expect((await get(path)).id).toBe('/paths/a');
    }
    const gone = await engine.api('DELETE', '/v2/groups//paths%2Fa?force=True');
    expect(gone.status).toBe(200);
    expect(await get('/v2/groups/paths')).toMatchObject({ apps: [], groups: [] });
  });

  it('tells of the versions that it had', async () => {
    const first = await make({ id: '/history', apps: [none('app', { mem: 40 })] });
    await engine.api('PUT', '/v2/apps/history/app', { mem: 50 });
    await engine.api('DELETE', '/v2/apps/history/app');
    const versions: string[] = await get('/v2/groups/history/versions');
    expect(versions).toHaveLength(3);
    expect(versions.at(-1)).toBe(first.version);
    const mems = await Promise.all(
      versions.map(async (version) => {
        const past = await get(`/v2/groups/history/versions/${version}`);
        expectType('group.GroupInfo', past);
        return [past.version === version, ...past.apps.map(({ mem }: Json) => mem)];
      }),
    );
    expect(mems).toEqual([[true], [true, 50], [true, 40]]);
    expect((await get('/v2/groups')).version).toBe(versions[0]);
    const unknown = '/v2/groups/history/versions/2020-01-01T00:00:00.000Z';
    expect((await engine.api('GET', unknown)).status).toBe(404);
    await engine.api('PUT', '/v2/groups/history', { version: first.version });
    expect((await get('/v2/apps/history/app')).app.mem).toBe(40);
  });
});

describe('changing a group', () => {
  it('keeps what it is silent about, and takes away what a list leaves out', async () => {
    await make({
      id: '/lists',
      apps: [none('a'), none('b')],
      groups: [{ id: 'one', apps: [none('c')] }, { id: 'two' }],
    });
    await engine.api('PUT', '/v2/groups/lists', { dependencies: ['/x'] });
    const content = async () => {
      const { apps, groups, dependencies } = await get('/v2/groups/lists');
      return [idsOf(apps), idsOf(groups), dependencies];
    };
    const both = [['/lists/a', '/lists/b'], ['/lists/one', '/lists/two'], ['/x']];
    expect(await content()).toEqual(both);
    await engine.api('PUT', '/v2/groups/lists', { groups: [{ id: 'one' }] });
    expect(await content()).toEqual([['/lists/a', '/lists/b'], ['/lists/one'], ['/x']]);
    expect((await engine.api('GET', '/v2/apps/lists/one/c')).status).toBe(200);
    await engine.api('PUT', '/v2/groups/lists', { apps: [none('b')] });
    expect(await content()).toEqual([['/lists/b'], ['/lists/one'], ['/x']]);
  });

  it('plans without doing', async () => {
    await make({ id: '/dry', apps: [none('stays'), none('goes')] });
    const body = { apps: [none('stays', { mem: 64, instances: 1 }), none('comes')] };
    const planned = await engine.api('PUT', '/v2/groups/dry?dryRun=True', body);
    expectType('deploymentSteps.DeploymentSteps', planned.body);
    expect(planned.body.steps).toEqual([
      { actions: [{ action: 'StopApplication', app: '/dry/goes' }] },
      { actions: [{ action: 'StartApplication', app: '/dry/comes' }] },
      {
        actions: [
          { action: 'RestartApplication', app: '/dry/stays' },
          { action: 'ScaleApplication', app: '/dry/comes' },
        ],
      },
    ]);
    expect(idsOf((await get('/v2/groups/dry')).apps)).toEqual(['/dry/stays', '/dry/goes']);
  });

  it('scales all its apps, rounding up', async () => {
    await make({ id: '/scale', apps: [plain('a')], groups: [{ id: 'g', apps: [none('b')] }] });
    await engine.settled('/scale/a');
    const [task] = await engine.tasks('/scale/a');
    expect((await engine.api('PUT', '/v2/groups/scale', { scaleBy: 1.5 })).status).toBe(200);
    await engine.settled('/scale/a');
    expect(idsOf(await engine.tasks('/scale/a'))).toHaveLength(2);
    expect(idsOf(await engine.tasks('/scale/a'))).toContain(task?.id);
    expect((await get('/v2/apps/scale/g/b')).app.instances).toBe(0);
    await engine.api('DELETE', '/v2/groups/scale');
  });

  it('gives each app of one request service ports of its own', async () => {
    await make({ id: '/ports', apps: [none('a'), none('b')] });
    const { apps } = await get('/v2/groups/ports');
    const ports = apps.flatMap((app: Json) => app.portDefinitions.map(({ port }: Json) => port));
    expect(new Set(ports).size).toBe(2);
  });

  it('takes back what a deployment made', async () => {
    const { deploymentId } = await make({ id: '/taken/back', apps: [plain('a', 'exit 1')] });
    expect((await engine.api('DELETE', `/v2/deployments/${deploymentId}`)).status).toBe(200);
    expect((await engine.api('GET', '/v2/groups/taken')).status).toBe(404);
    await until(async () => (await get('/v2/deployments')).length === 0);
  });
});

describe('a role that is enforced', () => {
  it('is that of all new apps of the group', async () => {
    await make({ id: '/dev', enforceRole: true, apps: [none('a')] });
    await engine.api('PUT', '/v2/apps/dev/deep/b', none('/dev/deep/b'));
    await engine.api('PUT', '/v2/apps/dev/c', none('/dev/c', { role: '*' }));
    const { apps } = await get('/v2/apps?id=/dev/');
    expect(apps.map(({ id, role }: Json) => [id, role])).toEqual([
      ['/dev/a', 'dev'],
      ['/dev/deep/b', 'dev'],
    ]);
  });
});

describe('after a crash', () => {
  it('all groups and their versions are there', async () => {
    const { version } = await make({ id: '/crash/empty', dependencies: ['../other'] });
    await engine.api('PATCH', '/v2/groups/crash', { enforceRole: true });
    await engine.api('PUT', '/v2/apps/made/by/app', none('/made/by/app'));
    await engine.api('DELETE', '/v2/apps/made/by/app');
    await until(async () => (await get('/v2/deployments')).length === 0);
    const before = await get('/v2/groups/crash');
    await engine.crash();
    expect(await get('/v2/groups/crash')).toEqual(before);
    expect(await get('/v2/groups/crash')).toMatchObject({
      enforceRole: true,
      groups: [{ id: '/crash/empty', dependencies: ['/crash/other'] }],
    });
    expect((await get('/v2/groups/made/by')).apps).toEqual([]);
    expect(await get('/v2/groups/crash/empty/versions')).toContain(version);
  });

  it('a deployment brings its groups back that were not on the disk yet', async () => {
    const apps = [plain('app', 'exit 1')];
    await make({ id: '/lost/group', dependencies: ['/x'], apps });
    await rm(join(engine.data, 'state', '_groups.json'));
    await engine.crash();
    const { dependencies, apps: found } = await get('/v2/groups/lost/group');
    expect([dependencies, idsOf(found)]).toEqual([['/x'], ['/lost/group/app']]);
  });

  it('nothing is left when everything was deleted', async () => {
    expect((await engine.api('DELETE', '/v2/groups?force=true')).status).toBe(200);
    expect(await get('/v2/groups')).toMatchObject({ id: '/', apps: [], groups: [] });
    await engine.crash();
    expect((await get('/v2/groups')).groups).toEqual([]);
  });
});
