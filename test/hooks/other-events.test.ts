/** Deliveries that Ekiden does nothing about yet are answered well, whatever their shape. */
import { expect, test } from 'vitest';
import { useRedis } from '../support/redis.ts';
import { openDoor, payload } from './door.ts';

const redis = useRedis();

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
