/** What is refused of groups and what they hold, in Marathon's words, and the events that tell of it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Json, plain, startTestEngine, type TestEngine, until } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startTestEngine();
});
afterAll(() => engine.close());

const none = (id: string, more: object = {}) => ({ ...plain(id), instances: 0, ...more });

describe('refusing', () => {
  const refused: [string, string, string, Json, number, string][] = [
    [
      'a group that is there',
      'POST',
      '/v2/groups',
      { id: '/there' },
      409,
      'Group /there is already created. Use PUT to change this group.',
    ],
    [
      'an app that is there',
      'POST',
      '/v2/groups',
      { id: '/there/app' },
      409,
      'An app with the path /there/app already exists.',
    ],
    [
      'a name of an app',
      'PUT',
      '/v2/groups/there/app',
      { id: '/there/app' },
      422,
      'Groups and Applications may not have the same identifier.',
    ],
    [
      'an app with the name of a group',
      'PUT',
      '/v2/apps/there',
      none('/there'),
      422,
      'Groups and Applications may not have the same identifier.',
    ],
    [
      'an app elsewhere',
      'PUT',
      '/v2/groups/there',
      { apps: [none('/else')] },
      422,
      'Identifier is not child of /there. Hint: use relative paths.',
    ],
    [
      'an app without an id',
      'PUT',
      '/v2/groups/there',
      { apps: [{ cmd: 'x' }] },
      422,
      'error.path.missing',
    ],
    [
      'an app that breaks a rule',
      'PUT',
      '/v2/groups/there',
      { groups: [{ id: 'g', apps: [{ id: 'a' }] }] },
      422,
      '"path":"/groups(0)/apps(0)/"',
    ],
    [
      'all apps that break a rule',
      'PUT',
      '/v2/groups/there',
      { apps: [{ id: 'a' }, none('b'), { id: 'c', dependencies: ['/C'] }] },
      422,
      '"path":"/apps(2)/dependencies(0)"',
    ],
    [
      'to depend on what can be no id',
      'PUT',
      '/v2/groups/there',
      { groups: [{ id: 'g', dependencies: ['a', 'B'] }] },
      422,
      '"path":"/groups(0)/dependencies(1)"',
    ],
    [
      'an app of a wrong type',
      'PUT',
      '/v2/groups/there',
      { groups: [{ id: 'g', apps: [{ id: 'a', mem: '1' }] }] },
      422,
      '"path":"/groups(0)/apps(0)/mem","errors":["error.expected.jsnumber"]',
    ],
    ['an odd name', 'PUT', '/v2/groups/there', { groups: [{ id: 'A_b' }] }, 422, '/groups(0)/id'],
    [
      'a rollback with more',
      'PUT',
      '/v2/groups/there',
      { version: '2020-01-01T00:00:00.000Z', scaleBy: 2 },
      422,
      'not allowed in conjunction with other properties.',
    ],
    [
      'an unknown version',
      'PUT',
      '/v2/groups/there',
      { version: '2020-01-01T00:00:00.000Z' },
      422,
      'Group /there not available in version 2020-01-01T00:00:00.000Z',
    ],
    [
      'a role below the top',
      'PUT',
      '/v2/groups/there',
      { groups: [{ id: 'g', enforceRole: true }] },
      422,
      'enforceRole can only be set for top-level groups, and /there/g is not top-level',
    ],
    [
      'a foreign role',
      'PUT',
      '/v2/apps/there/app',
      { role: 'foreign' },
      422,
      'got foreign, expected one of: [*, there]',
    ],
    ['what is no JSON', 'PUT', '/v2/groups/there', '{', 400, 'Invalid JSON'],
    [
      'what is nested without an end',
      'PUT',
      '/v2/groups/there',
      '{"groups":['.repeat(50_000) + ']}'.repeat(50_000),
      400,
      'Invalid JSON',
    ],
    ['no group', 'GET', '/v2/apps/no/*/tasks', undefined, 404, "Group '/no' does not exist"],
    ['nothing to read', 'GET', '/v2/groups/no', undefined, 404, "Group '/no' does not exist"],
  ];

  it.each(refused)('%s', async (_, method, path, body, status, text) => {
    await engine.api('PUT', '/v2/groups/there', { apps: [none('app')] });
    const reply = await engine.api(method, path, body);
    expect([reply.status, JSON.stringify(reply.body)]).toEqual([
      status,
      expect.stringContaining(text),
    ]);
    const there = await engine.api('GET', '/v2/groups/there');
    expect(there.body).toMatchObject({ apps: [{ role: '*' }], groups: [] });
  });

  it('is told of by an event, as a change is', async () => {
    const events = await engine.events(
      '?event_type=group_change_success&event_type=group_change_failed',
    );
    await engine.api('POST', '/v2/groups', { id: '/told/a', apps: [none('x')] });
    await engine.api('PUT', '/v2/groups/told/a', {
      apps: [none('x', { dependencies: ['y'] }), none('y', { dependencies: ['x'] })],
    });
    await engine.api('DELETE', '/v2/groups/told/a');
    await until(() => events.length === 3);
    expect(events.map(({ type, data }) => [type, data.groupId])).toEqual([
      ['group_change_success', '/'],
      ['group_change_failed', '/told'],
      ['group_change_success', '/told'],
    ]);
    expect(events[1]?.data.reason).toBeTypeOf('string');
  });
});
