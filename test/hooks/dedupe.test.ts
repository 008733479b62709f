/** A delivery that comes again is known: by GitLab's key, or by what was pushed. */
import { expect, test } from 'vitest';
import { useRedis } from '../support/redis.ts';
import { openDoor, payload } from './door.ts';

const redis = useRedis();
const key = (text: string) => ({ 'Idempotency-Key': text });

test('the same key twice: the second is a duplicate with the build of the first', async () => {
  const door = await openDoor({ redis });
  const first = await door.send(payload('push'), key('one'));
  const second = await door.send(payload('push'), key('one'));
  expect(first.body.decision).toBe('queued');
  expect(second.status).toBe(200);
  expect(second.body).toEqual({
    delivery: 'one',
    decision: 'duplicate',
    reason: 'this push is known already',
    build: first.body.build,
  });
  expect(await door.queued()).toHaveLength(1);
});

test('a key counts for another process and after a restart too', async () => {
  const one = await openDoor({ redis });
  const other = await openDoor({ redis, install: one.install });
  const first = await one.send(payload('push'), key('one'));
  await one.stop();
  const second = await other.send(payload('push'), key('one'));
  expect(second.body).toMatchObject({ decision: 'duplicate', build: first.body.build });
});

test('thirty at once: one is queued', async () => {
  const door = await openDoor({ redis });
  await door.send(payload('push'), key('to open the connections'));
  const answers = await Promise.all(
    Array.from({ length: 30 }, () => door.send(payload('push'), key('one'))),
  );
  const [queued, ...more] = answers.filter(({ body }) => body.decision === 'queued');
  expect(more).toEqual([]);
  expect(answers.filter(({ body }) => body.decision === 'duplicate')).toHaveLength(29);
  expect(new Set(answers.map(({ body }) => body.build))).toEqual(new Set([queued?.body.build]));
  expect(await door.queued()).toHaveLength(2);
});

test('different keys for the same push are two deliveries', async () => {
  const door = await openDoor({ redis });
  const long = 'k'.repeat(300);
  for (const name of ['one', 'two', `${long}1`, `${long}2`]) {
    expect((await door.send(payload('push'), key(name))).body.decision).toBe('queued');
  }
  expect(await door.queued()).toHaveLength(4);
});

test('the id of GitLab 19 is a key as well', async () => {
  const door = await openDoor({ redis });
  const first = await door.send(payload('push'), { 'webhook-id': 'one' });
  const second = await door.send(payload('push'), key('one'));
  expect(second.body).toMatchObject({ decision: 'duplicate', build: first.body.build });
});

test.each([
  ['project', { project_id: 16 }],
  ['ref', { ref: 'refs/heads/other' }],
  ['before', { before: 'a'.repeat(40) }],
  ['after', { after: 'a'.repeat(40) }],
])('without a key the push is known by project, ref, before and after: %s', async (_, change) => {
  const door = await openDoor({ redis });
  const first = await door.send(payload('push'));
  const again = await door.send(payload('push', { message: 'sent again', user_name: 'Bob' }));
  const other = await door.send(payload('push', change));
  expect(again.body).toMatchObject({ decision: 'duplicate', build: first.body.build });
  expect(other.body.decision).toBe('queued');
  expect(other.body.build).not.toBe(first.body.build);
});

test('a deletion that comes again is a duplicate without a build', async () => {
  const door = await openDoor({ redis });
  const deletion = payload('push', { after: '0'.repeat(40) });
  await door.send(deletion);
  expect((await door.send(deletion)).body).toEqual({
    delivery: expect.any(String),
    decision: 'duplicate',
    reason: 'this push is known already',
  });
});

test('what is ignored does not use its key up', async () => {
  const door = await openDoor({ redis });
  const skipped = payload('push', { push_options: { ci: { skip: true } } });
  expect((await door.send(skipped, key('one'))).body.decision).toBe('ignored');
  expect((await door.send(payload('push'), key('one'))).body.decision).toBe('queued');
});
