/** The queue is away, or hangs: every delivery is answered, kept on disk, and queued once in the end. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { useRedis } from '../support/redis.ts';
import { type Door, openDoor, payload } from './door.ts';

const redis = useRedis();
const key = { 'Idempotency-Key': 'one' };

afterEach(async () => {
  await redis.resume();
  await redis.start();
});

const spooled = async ({ data }: Pick<Door, 'data'>) =>
  (await readdir(join(data, 'spool')).catch(() => [])).filter((name) => !name.startsWith('.'));

const outages = [
  ['down', () => redis.stop(), () => redis.start()],
  ['hung', () => redis.pause(), () => redis.resume()],
] as const;

describe.each(outages)('Redis is %s', (_, begin, end) => {
  test('a push is answered, kept, and queued once when Redis is back', async () => {
    const door = await openDoor({ redis, hookPatience: 500 });
    await door.send(payload('push', { ref: 'refs/heads/before' }));
    await begin();
    const answer = await door.send(payload('push'), key);
    expect(answer.status).toBe(202);
    expect(answer.body).toEqual({
      delivery: 'one',
      decision: 'queued',
      reason: 'da1560886d4f is to be built; the queue is away, it will follow',
      build: expect.any(String),
    });
    const [file, ...more] = await spooled(door);
    expect(more).toEqual([]);
    const text = await readFile(join(door.data, 'spool', file ?? ''), 'utf8');
    expect(JSON.parse(text).arrival).toMatchObject({ build: answer.body.build });

    await end();
    await expect.poll(() => drained(door)).toBe(true);
    const ofMaster = (await door.queued()).filter((each) => each.ref === 'refs/heads/master');
    expect(ofMaster).toMatchObject([{ build: answer.body.build }]);
    expect((await door.send(payload('push'), key)).body).toMatchObject({
      decision: 'duplicate',
      build: answer.body.build,
    });
  });

  test('the same delivery again is a duplicate with the same build', async () => {
    const door = await openDoor({ redis, hookPatience: 500 });
    await begin();
    const first = await door.send(payload('push'), key);
    const again = await door.send(payload('push'), key);
    expect(again.body).toMatchObject({ decision: 'duplicate', build: first.body.build });
    expect(await spooled(door)).toHaveLength(1);
  });

  test('what one process kept, another queues', async () => {
    const first = await openDoor({ redis, hookPatience: 500 });
    await begin();
    const answer = await first.send(payload('push'), key);
    const deletion = await first.send(payload('push', { after: '0'.repeat(40) }));
    expect(deletion.body.decision).toBe('queued');
    await first.stop();
    await end();
    const second = await openDoor({
      redis,
      hookPatience: 500,
      install: first.install,
      data: first.data,
    });
    await expect.poll(() => drained(second)).toBe(true);
    const queued = await second.queued();
    expect(queued).toHaveLength(2);
    expect(queued).toContainEqual(expect.objectContaining({ build: answer.body.build }));
    expect(queued).toContainEqual(expect.objectContaining({ type: 'ref.deleted' }));
  });

  test('/readyz says so and /healthz does not mind', async () => {
    const door = await openDoor({ redis, hookPatience: 500 });
    const ask = async (path: string) => (await fetch(new URL(path, door.url))).status;
    await expect.poll(() => ask('/readyz')).toBe(200);
    await begin();
    await expect.poll(() => ask('/readyz')).toBe(503);
    expect(await ask('/healthz')).toBe(200);
    await end();
    await expect.poll(() => ask('/readyz')).toBe(200);
  });
});

test('a door that opens while Redis is down queues when it comes', async () => {
  await redis.stop();
  const door = await openDoor({ redis, hookPatience: 500 });
  const early = await door.send(payload('push', { ref: 'refs/heads/early' }));
  expect(early.body.decision).toBe('queued');
  await redis.start();
  await expect.poll(() => drained(door)).toBe(true);
  const late = await door.send(payload('push', { ref: 'refs/heads/late' }));
  expect(late.body.reason).toBe('da1560886d4f is to be built');
  expect(await door.queued()).toHaveLength(2);
});

async function drained(door: Door): Promise<boolean> {
  await door.drainSpool();
  return (await spooled(door)).length === 0;
}
