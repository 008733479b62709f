/** What every Queue must tell of what waits, and do with it. */
import { describe, expect, test } from 'vitest';
import { NoRoomError, RemoteError } from '../../src/core/errors.ts';
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

  test('who has no room rests and gives back what it took, which is no try, while others go on', async () => {
    const queue = open({ attempts: 1 });
    for (let place = 1; place <= 300; place += 1) {
      await queue.add({ name: `w${place}` }, { id: `w${place}`, priority: place });
    }
    const full = start(queue, () => Promise.reject(new NoRoomError('full', {})), 2);
    await expect.poll(() => full.seen.length, patience).toBeGreaterThan(0);
    const healthy = start(queue, undefined, 2);
    await expect.poll(() => healthy.seen.length, patience).toBe(300);
    await expect.poll(queue.line, patience).toEqual({ waiting: [], delayed: [], running: [] });
    expect(full.seen.length).toBeLessThanOrEqual(2);
    expect(healthy.attempts.every(({ first, last }) => first && last)).toBe(true);
  });

  test('who rests goes on when it has room again, in the order of the line', async () => {
    const queue = open({ attempts: 1 });
    const names = ['a', 'b', 'c'];
    for (const [index, name] of names.entries()) {
      await queue.add({ name }, { id: name, priority: index + 1 });
    }
    let isFull = true;
    const { worker, seen } = start(queue, async () => {
      if (isFull) throw new NoRoomError('full', {});
    });
    await expect.poll(() => seen, patience).toEqual([{ name: 'a' }]);
    const inLine = { waiting: names, delayed: [], running: [] };
    await expect.poll(queue.line, patience).toEqual(inLine);
    isFull = false;
    worker.resume();
    await expect.poll(() => seen.map(({ name }) => name), patience).toEqual(['a', ...names]);
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
    const works = (await queue.works()).map(({ name }) => name);
    expect(works.toSorted()).toEqual(['delayed', 'early', 'first', 'late', 'running', 'second']);
    expect(await Promise.all(['r', 'late', 'd', 'x'].map(queue.has))).toEqual([
      ...[true, true, true, false],
    ]);
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
