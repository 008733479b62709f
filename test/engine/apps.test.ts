/** The REST API of apps: reading, writing, versions, errors and headers, checked by Marathon's schema. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Json,
  type MarathonEvent,
  plain,
  startTestEngine,
  type TestEngine,
  until,
} from './harness.ts';
import { expectType } from './schema.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.close());

const none = (id: string, more: object = {}) => ({ ...plain(id), instances: 0, ...more });

describe('creating', () => {
  it('answers with the whole app and tells of everything in order', async () => {
    const events = await engine.events();
    const { status, headers, body } = await engine.api('POST', '/v2/apps', {
      ...plain('/made/two'),
      instances: 2,
    });
    expect(status).toBe(201);
    expectType('app.AppInfo', body);
    expect(body).toMatchObject({ id: '/made/two', instances: 2, tasksRunning: 0 });
    expect(headers.get('marathon-deployment-id')).toBe(body.deployments[0].id);
    expect(headers.get('location')).toBe('/v2/apps/made/two');
    await until(() => events.some(({ type }) => type === 'deployment_success'));
    expect(told(events)).toEqual([
      'event_stream_attached',
      'api_post_event',
      'group_change_success',
      'deployment_info',
      'deployment_step_success',
      'deployment_info',
      'TASK_RUNNING',
      'TASK_RUNNING',
      'deployment_step_success',
      'deployment_success',
    ]);
    expect((await engine.api('GET', '/v2/deployments')).body).toEqual([]);
    const tasks = await engine.tasks('/made/two');
    expectType('task.TaskList', { tasks });
    expect(tasks.map(({ state }) => state)).toEqual(['TASK_RUNNING', 'TASK_RUNNING']);
  });

  it('filters events by type', async () => {
    const events = await engine.events('?event_type=group_change_success');
    await engine.api('POST', '/v2/apps', none('/filtered'));
    await until(() => events.length > 0);
    expect(events.map(({ type, data }) => [type, data.groupId])).toEqual([
      ['group_change_success', '/'],
    ]);
  });

  it('refuses what is there already, what breaks a rule and what is no JSON', async () => {
    await engine.api('POST', '/v2/apps', none('/twice'));
    const twice = await engine.api('POST', '/v2/apps', none('/twice'));
    expect(twice).toMatchObject({
      status: 409,
      body: { message: 'An app with id [/twice] already exists.' },
    });
    expect(await engine.api('POST', '/v2/apps', { id: '/empty' })).toMatchObject({
      status: 422,
      body: { message: 'Object is not valid', details: [{ path: '/' }] },
    });
    expect(await engine.api('POST', '/v2/apps', { id: 1 })).toMatchObject({
      status: 422,
      body: { message: 'Invalid JSON' },
    });
    const broken = await engine.api('POST', '/v2/apps', '{"id":');
    expect(broken).toMatchObject({ status: 400, body: { message: 'Invalid JSON' } });
    expect(broken.body.details).toBeTypeOf('string');
    const big = await engine.api('POST', '/v2/apps', none('/big', { cmd: 'x'.repeat(17_000_000) }));
    expect(big.status).toBe(413);
  });
});

/** Task states instead of their events, and without what may come in between. */
function told(events: MarathonEvent[]): string[] {
  return events
    .filter(({ type }) => type !== 'instance_changed_event')
    .map(({ type, data }) => (type === 'status_update_event' ? data.taskStatus : type));
}

describe('reading', () => {
  it('finds apps by id, command, label and group, with doubled slashes and %2F too', async () => {
    await engine.api('POST', '/v2/apps', none('/find/a', { labels: { team: 'x' } }));
    await engine.api('POST', '/v2/apps', none('/find/b', { cmd: 'echo Needle' }));
    const ids = async (query: string) => {
      const { body } = await engine.api('GET', `/v2/apps?${query}`);
      expectType('app.AppList', body);
      return body.apps.map(({ id }: { id: string }) => id);
    };
    expect(await ids('id=FIND')).toEqual(['/find/a', '/find/b']);
    expect(await ids('cmd=needle')).toEqual(['/find/b']);
    expect(await ids('label=team==x')).toEqual(['/find/a']);
    const below = (await engine.api('GET', '/v2/apps/find/*')).body;
    expect(below['*']).toHaveLength(2);
    for (const path of ['/v2/apps//find/a', '/v2/apps/find%2Fa', '//v2/apps/find/a/']) {
      const { status, body } = await engine.api('GET', path);
      expect([path, status, body.app?.id]).toEqual([path, 200, '/find/a']);
      expectType('app.AppInfo', body.app);
    }
    const group = (await engine.api('GET', '/v2/groups/find')).body;
    expectType('group.GroupInfo', group);
    expect(group.apps).toHaveLength(2);
  });

  it('shows of one app what Marathon always shows, and more where it is asked for', async () => {
    await engine.api('POST', '/v2/apps', none('/shown'));
    const keys = async (path: string, pick: (body: Json) => Json) =>
      Object.keys(pick((await engine.api('GET', path)).body));
    const one = await keys('/v2/apps/shown', ({ app }) => app);
    expect(one).toEqual(expect.arrayContaining(['tasks', 'deployments', 'tasksRunning']));
    expect(one).not.toContain('readinessCheckResults');
    const more = await keys('/v2/apps/shown?embed=app.readiness', ({ app }) => app);
    expect(more).toEqual(expect.arrayContaining(['tasks', 'readinessCheckResults']));
    const listed = await keys('/v2/apps?id=shown', ({ apps }) => apps[0]);
    expect(listed).not.toContain('tasks');
  });

  it('answers 404 in the words of Marathon', async () => {
    const message = async (method: string, path: string) => {
      const { status, body } = await engine.api(method, path);
      return [status, body.message];
    };
    expect(await message('GET', '/v2/apps/no')).toEqual([404, "App '/no' does not exist"]);
    expect(await message('DELETE', '/v2/apps/no')).toEqual([404, "App '/no' does not exist"]);
    expect(await message('GET', '/v2/groups/no')).toEqual([404, "Group '/no' does not exist"]);
    expect(await message('DELETE', '/v2/deployments/no')).toEqual([
      404,
      'DeploymentPlan no does not exist',
    ]);
    expect(await message('GET', '/v2/nothing')).toEqual([404, 'URI not found: /v2/nothing']);
    expect((await engine.api('GET', '/v2/apps?label=a=')).status).toBe(422);
  });

  it('says who it is', async () => {
    expect((await engine.api('GET', '/ping')).body).toBe('pong');
    const info = await engine.api('GET', '/v2/info');
    expectType('info.MarathonInfo', info.body);
    expect(info.headers.get('cache-control')).toBe('no-cache, no-store, must-revalidate');
    expect((await engine.api('GET', '/v2/leader')).body.leader).toBe(engine.url.slice(7));
    expect((await engine.api('GET', '/v2/events')).status).toBe(405);
  });
});

describe('changing', () => {
  it('makes by PUT, keeps what PATCH does not name, and never makes by PATCH', async () => {
    const made = await engine.api('PUT', '/v2/apps/put', none('/put', { env: { A: '1' } }));
    expect([made.status, made.headers.get('location')]).toEqual([201, '/v2/apps/put']);
    expectType('deploymentResult.DeploymentResult', made.body);
    await engine.settled('/put');
    expect((await engine.api('PATCH', '/v2/apps/put', { mem: 64 })).status).toBe(200);
    await engine.settled('/put');
    const { app } = (await engine.api('GET', '/v2/apps/put')).body;
    expect(app).toMatchObject({ mem: 64, env: { A: '1' } });
    expect((await engine.api('PATCH', '/v2/apps/nobody', { mem: 64 })).status).toBe(404);
    const full = { ...none('/put'), env: undefined };
    await engine.api('PUT', '/v2/apps/put?partialUpdate=False', full);
    expect((await engine.api('GET', '/v2/apps/put')).body.app.env).toBeUndefined();
  });

  it('starts nothing anew for the same definition', async () => {
    await engine.api('POST', '/v2/apps', plain('/same'));
    await engine.settled('/same');
    const before = await engine.tasks('/same');
    const { app } = (await engine.api('GET', '/v2/apps/same')).body;
    const again = await engine.api('PUT', '/v2/apps/same', plain('/same'));
    expect(again.status).toBe(200);
    await engine.settled('/same');
    expect(await engine.tasks('/same')).toEqual(before);
    expect((await engine.api('GET', '/v2/apps/same')).body.app.version).toBe(app.version);
  });

  it('keeps versions and goes back to one', async () => {
    await engine.api('POST', '/v2/apps', none('/versions-of', { mem: 40 }));
    await engine.settled('/versions-of');
    await engine.api('PUT', '/v2/apps/versions-of', { mem: 50 });
    await engine.settled('/versions-of');
    const { versions } = (await engine.api('GET', '/v2/apps/versions-of/versions')).body;
    expect(versions).toHaveLength(2);
    const oldest = versions.at(-1);
    const first = (await engine.api('GET', `/v2/apps/versions-of/versions/${oldest}`)).body;
    expectType('app.App', first);
    expect(first.mem).toBe(40);
    const error = "The 'version' field may only be combined with the 'id' field.";
    for (const id of ['versions-of', 'of-nothing']) {
      const both = await engine.api('PUT', `/v2/apps/${id}`, { version: oldest, mem: 1 });
      expect([both.status, both.body.details]).toEqual([422, [{ path: '/', errors: [error] }]]);
    }
    await engine.api('PUT', '/v2/apps/versions-of', { version: oldest });
    expect((await engine.api('GET', '/v2/apps/versions-of')).body.app.mem).toBe(40);
  });

  it('changes several apps in one deployment', async () => {
    const { status, body } = await engine.api('PUT', '/v2/apps', [
      none('/many/a'),
      none('/many/b'),
    ]);
    expect(status).toBe(200);
    expectType('deploymentResult.DeploymentResult', body);
    const known = await engine.api('GET', '/v2/apps?id=/many');
    expect(known.body.apps).toHaveLength(2);
    const broken = [{ id: '/many/c' }, none('/many/d'), { id: '/many/e' }];
    const refused = await engine.api('PUT', '/v2/apps', broken);
    const paths = refused.body.details.map(({ path }: { path: string }) => path);
    expect([refused.status, paths]).toEqual([422, ['(0)/', '(2)/']]);
  });

  it('deletes an app with all its tasks and its record', async () => {
    const events = await engine.events('?event_type=app_terminated_event');
    await engine.api('POST', '/v2/apps', plain('/gone'));
    await engine.settled('/gone');
    expect((await engine.api('DELETE', '/v2/apps//gone?force=True')).status).toBe(200);
    expect((await engine.api('GET', '/v2/apps/gone')).status).toBe(404);
    await engine.settled('/gone');
    const { tasks } = (await engine.api('GET', '/v2/tasks')).body;
    expectType('task.TaskList', { tasks });
    expect(tasks.filter(({ appId }: { appId: string }) => appId === '/gone')).toEqual([]);
    await until(() => events.length === 1);
  });
});

describe('events', () => {
  it('tell of the checks that come and go, and of the end of an app without instances', async () => {
    const events = await engine.events();
    const healthChecks = [{ protocol: 'TCP' }];
    await engine.api('POST', '/v2/apps', none('/told', { healthChecks }));
    await engine.settled('/told');
    await engine.api('PUT', '/v2/apps/told', { healthChecks: [] });
    await engine.settled('/told');
    await engine.api('DELETE', '/v2/apps/told');
    await until(() => events.filter(({ type }) => type === 'deployment_success').length === 3);
    const of = (wanted: string) => events.filter(({ type }) => type === wanted);
    expect(of('add_health_check_event').map(({ data }) => data)).toMatchObject([
      {
        appId: '/told',
        healthCheck: { protocol: 'TCP', portIndex: 0 },
        version: expect.any(String),
      },
    ]);
    expect(of('remove_health_check_event').map(({ data }) => data.appId)).toEqual(['/told']);
    expect(of('app_terminated_event').map(({ data }) => data.appId)).toEqual(['/told']);
  });
});
