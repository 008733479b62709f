/** What every Queue must tell of what waits, and do with it. */
import { describe, expect, test } from 'vitest';
import { RemoteError } from '../../src/core/errors.ts';
import { openRedis, useRedis } from '../support/redis.ts';
import { openBull, openFake, patience, start, untilAborted } from './queue-rig.ts';

const redis = useRedis();

describe.each([
  ['redis', (options?: { attempts?: number }) => openBull(openRedis(redis), options)],
  ['fake', openFake],
])('%s', (_, open) => {
  test('what is put off as a part asked is no try, and lets others go on', async () => {
    const queue = open({ attempts: 1 });
    await queue.add({ name: 'asked' }, { id: 'a' });
    await queue.add({ name: 'other' }, { id: 'b' });
    const waited: unknown[] = [];
    const { seen, attempts } = start(queue, async ({ name }, attempt) => {
      if (name === 'other') return;
      waited.push(attempt.waited);
      if (waited.length < 3) throw new RemoteError('busy', { code: 'E_BUSY', retryAfter: 0.5 });
    });
    await expect.poll(async () => (await queue.line()).delayed, patience).toEqual(['a']);
    await expect.poll(() => waited, patience).toEqual([0, 1_000, 2_000]);
    expect(seen.map(({ name }) => name)).toEqual(['asked', 'other', 'asked', 'asked']);
    expect(attempts.map(({ first }) => first)).toEqual([true, true, false, false]);
    expect(attempts.every(({ last }) => last)).toBe(true);
  });

  test('who asks for longer than an hour is tried as any other', async () => {
    const queue = open({ attempts: 2 });
    await queue.add({ name: 'a' }, { id: 'a' });
    const { attempts } = start(queue, () =>
      Promise.reject(new RemoteError('busy', { code: 'E_BUSY', retryAfter: 3_601 })),
    );
    await expect
      .poll(() => attempts, patience)
      .toEqual([
        { first: true, last: false },
        { first: false, last: true },
      ]);
  });

  test('the line has what waits in its order, what was put off, and what runs', async () => {
    const queue = open();
    await queue.add({ name: 'running' }, { id: 'r' });
    const before = Date.now();
    const { seen } = start(queue, untilAborted);
    await expect.poll(() => seen, patience).toHaveLength(1);
    await queue.add({ name: 'late' }, { id: 'late', priority: 9 });
    await queue.add({ name: 'early' }, { id: 'early', priority: 2 });
    await queue.add({ name: 'delayed' }, { id: 'd', delay: 60_000, priority: 1 });
    await queue.add({ name: 'first' }, { id: 'first' });
    await queue.add({ name: 'second' }, { id: 'second' });
    const { waiting, delayed, running } = await queue.line();
    expect(waiting).toEqual(['first', 'second', 'early', 'late']);
    expect(delayed).toEqual(['d']);
    expect(running).toEqual([{ id: 'r', since: expect.any(Number) }]);
    expect(running[0]?.since).toBeGreaterThanOrEqual(before - 1);
    await queue.reprioritize('late', 1);
    await queue.reprioritize('never', 1);
    expect((await queue.line()).waiting).toEqual(['first', 'second', 'late', 'early']);
  });

  test('what waits or was put off can be taken out, and what runs cannot', async () => {
    const queue = open();
    await queue.add({ name: 'running' }, { id: 'r' });
    const { seen } = start(queue, untilAborted);
    await expect.poll(() => seen, patience).toHaveLength(1);
    await queue.add({ name: 'prioritized' }, { id: 'p', priority: 2 });
    await queue.add({ name: 'waiting' }, { id: 'w' });
    await queue.add({ name: 'delayed' }, { id: 'd', delay: 60_000 });
    const taken = await Promise.all(['p', 'w', 'd', 'r', 'x'].map((id) => queue.remove(id)));
    expect(taken).toEqual([true, true, true, false, false]);
    expect(await queue.line()).toMatchObject({ waiting: [], delayed: [], running: [{ id: 'r' }] });
    expect((await queue.add({ name: 'again' }, { id: 'p' })).added).toBe(true);
  });
});
