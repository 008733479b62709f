/** The door: one command keeps the work once for a day, and tells whether it was new. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { silent } from '../../src/core/log.ts';
import { createDoor } from '../../src/stores/door.ts';
import { createQueue } from '../../src/stores/queue.ts';
import { openRedis, useRedis } from '../support/redis.ts';

interface Work {
  name: string;
}

const server = useRedis();

function open() {
  const options = { name: 'work', attempts: 3, log: silent, ...openRedis(server) };
  const door = createDoor<Work>(options);
  const queue = createQueue<Work>(options);
  onTestFinished(async () => {
    await Promise.all([door.close(), queue.close()]);
  });
  return { door, queue, options };
}

describe('createDoor', () => {
  test('keeps work once under its id, also after it has ended', async () => {
    const { door, queue } = open();
    const first = { added: true, kept: { name: 'first' } };
    const again = { added: false, kept: { name: 'first' } };
    expect(await door.add({ name: 'first' }, { id: 'a' })).toEqual(first);
    expect(await door.add({ name: 'second' }, { id: 'a' })).toEqual(again);
    const seen: Work[] = [];
    const worker = queue.work(async (work) => void seen.push(work), { concurrency: 1 });
    onTestFinished(() => worker.stop());
    await expect.poll(() => seen).toEqual([{ name: 'first' }]);
    await expect.poll(async () => (await queue.count())['active']).toBe(0);
    expect(await door.add({ name: 'third' }, { id: 'a' })).toEqual(again);
    expect(await door.add({ name: 'b' }, { id: 'b' })).toMatchObject({ added: true });
    await expect.poll(() => seen).toEqual([{ name: 'first' }, { name: 'b' }]);
  });

  test('of many adds of one id at once, one is told that it was added', async () => {
    const { door, queue } = open();
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, number) => door.add({ name: `${number}` }, { id: 'a' })),
    );
    expect(answers.filter(({ added }) => added)).toHaveLength(1);
    expect(new Set(answers.map(({ kept }) => kept.name)).size).toBe(1);
    expect((await queue.count())['waiting']).toBe(1);
  });

  test('remembers an id for a day and no longer', async () => {
    const { door, options } = open();
    await door.add({ name: 'a' }, { id: 'a' });
    const left = await options.redis.pttl(`${options.prefix}:work:de:a`);
    expect(left).toBeGreaterThan(86_000_000);
    expect(left).toBeLessThanOrEqual(86_400_000);
  });
});
