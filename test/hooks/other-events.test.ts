/** Deliveries that Ekiden does nothing about yet are answered well, whatever their shape. */
import { expect, test } from 'vitest';
import { useRedis } from '../support/redis.ts';
import { openDoor, payload } from './door.ts';

const redis = useRedis();

test.each([
  ['access_token_group', 'Resource Access Token Hook', 'access_token'],
  ['access_token_project', 'Resource Access Token Hook', 'access_token'],
  ['deployment', 'Deployment Hook', 'deployment'],
  ['feature_flag', 'Feature Flag Hook', 'feature_flag'],
  ['job', 'Job Hook', 'build'],
  ['member_access_request', 'Member Hook', 'user_access_request_to_group'],
  ['member_access_request_denied', 'Member Hook', 'user_access_request_denied_for_group'],
  ['member_add', 'Member Hook', 'user_add_to_group'],
  ['member_remove', 'Member Hook', 'user_remove_from_group'],
  ['member_update', 'Member Hook', 'user_update_for_group'],
  ['merge_request', 'Merge Request Hook', 'merge_request'],
  ['merge_request_v18_10_open', 'Merge Request Hook', 'merge_request'],
  ['milestone', 'Milestone Hook', 'milestone'],
  ['note_commit', 'Note Hook', 'note'],
  ['note_issue', 'Note Hook', 'note'],
  ['note_merge_request', 'Note Hook', 'note'],
  ['note_snippet', 'Note Hook', 'note'],
  ['pipeline', 'Pipeline Hook', 'pipeline'],
  ['project_create', 'Project Hook', 'project_create'],
  ['project_destroy', 'Project Hook', 'project_destroy'],
  ['release', 'Release Hook', 'release'],
  ['subgroup_create', 'Subgroup Hook', 'subgroup_create'],
  ['subgroup_destroy', 'Subgroup Hook', 'subgroup_destroy'],
])('%s is ignored', async (file, header, event) => {
  const door = await openDoor({ redis });
  const answer = await door.send(payload(file), { 'X-Gitlab-Event': header });
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({
    delivery: expect.any(String),
    decision: 'ignored',
    reason: `Ekiden does nothing about ${event} yet, only about push and tag_push`,
  });
  expect(await door.queued()).toEqual([]);
});

test.each([
  ['an unknown event', { object_kind: 'moon_landing' }, /moon_landing/],
  ['an unknown system event', { event_name: 'repository_update' }, /repository_update/],
  ['a kind of a megabyte', { object_kind: 'x'.repeat(1 << 20) }, /xxx/],
  ['a kind that is no text', { object_kind: { a: 1 } }, /of this kind/],
  ['a body of an own template', { text: 'Somebody pushed', channel: '#dev' }, /of this kind/],
  ['an empty object', {}, /of this kind/],
  ['a list', [{ object_kind: 'push' }], /of this kind/],
  ['null', 'null', /of this kind/],
  ['a number', '42', /of this kind/],
  ['a string', '"push"', /of this kind/],
  ['true', 'true', /of this kind/],
])('%s is ignored', async (_, body, reason) => {
  const door = await openDoor({ redis });
  const answer = await door.send(body);
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({
    decision: 'ignored',
    reason: expect.stringMatching(reason),
  });
  expect(answer.text.length).toBeLessThan(8 * 1024);
});

test('the header names the event for people only: the body decides', async () => {
  const door = await openDoor({ redis });
  const answer = await door.send(payload('push'), { 'X-Gitlab-Event': 'Issue Hook' });
  expect(answer.body.decision).toBe('queued');
});
