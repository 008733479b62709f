/** What every Queue must do. */
import { Worker as BullWorker } from 'bullmq';
import { describe, expect, onTestFinished, test } from 'vitest';
import { InputError, RemoteError } from '../../src/core/errors.ts';
import { refuseDeadly } from '../../src/core/queue.ts';
import { openRedis, useRedis } from '../support/redis.ts';
import { name, openBull, openFake, patience, start, untilAborted } from './queue-rig.ts';

const redis = useRedis();
const openOwn = (options?: { attempts?: number }) => openBull(openRedis(redis), options);

describe.each([
  ['redis', openOwn],
  ['fake', openFake],
])('%s', (_, open) => {
  test('work is handed over as it was added', async () => {
    const queue = open();
    expect(await queue.add({ name: 'a' }, { id: 'a' })).toEqual({
      added: true,
      kept: { name: 'a' },
    });
    const { seen, attempts } = start(queue);
    await expect.poll(() => seen, patience).toEqual([{ name: 'a' }]);
    expect(attempts).toEqual([{ first: true, last: false }]);
  });

  test('an id is kept once: while it waits, while it runs, and after it ended', async () => {
    const queue = open();
    await queue.add({ name: 'first' }, { id: 'a' });
    const again = { added: false, kept: { name: 'first' } };
    expect(await queue.add({ name: 'second' }, { id: 'a' })).toEqual(again);
    let finish = () => {};
    const { seen } = start(
      queue,
      () =>
        new Promise((done) => {
          finish = done;
        }),
    );
    await expect.poll(() => seen, patience).toHaveLength(1);
    expect(await queue.add({ name: 'third' }, { id: 'a' })).toEqual(again);
    finish();
    await queue.add({ name: 'b' }, { id: 'b' });
    await expect.poll(() => seen, patience).toHaveLength(2);
    finish();
    expect(await queue.add({ name: 'fourth' }, { id: 'a' })).toEqual(again);
    expect(seen).toEqual([{ name: 'first' }, { name: 'b' }]);
  });

  test('what is wanted once is kept while it is there, tried once, and forgotten then', async () => {
    const queue = open();
    const add = (name: string) => queue.add({ name }, { id: 'a', once: true });
    expect((await add('first')).added).toBe(true);
    expect((await add('second')).added).toBe(false);
    const { seen, attempts } = start(queue, ({ name }) =>
      name === 'first' ? Promise.reject(new Error('no luck')) : Promise.resolve(),
    );
    await expect.poll(async () => (await add('third')).added, patience).toBe(true);
    await expect.poll(async () => (await add('fourth')).added, patience).toBe(true);
    await expect
      .poll(() => seen, patience)
      .toEqual([{ name: 'first' }, { name: 'third' }, { name: 'fourth' }]);
    expect(attempts).toEqual(Array(3).fill({ first: true, last: true }));
  });

  test('of many adds of one id at once, one is told that it was added', async () => {
    const queue = open();
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, number) => queue.add({ name: `${number}` }, { id: 'a' })),
    );
    const [added, ...more] = answers.filter((answer) => answer.added);
    expect(more).toEqual([]);
    expect(answers.map(({ kept }) => kept)).toEqual(answers.map(() => added?.kept));
  });

  test('smaller priorities go first, and none before all', async () => {
    const queue = open();
    await queue.add({ name: 'later' }, { id: 'a', priority: 5 });
    await queue.add({ name: 'sooner' }, { id: 'b', priority: 1 });
    await queue.add({ name: 'now' }, { id: 'c' });
    const { seen } = start(queue);
    await expect
      .poll(() => seen, patience)
      .toEqual([{ name: 'now' }, { name: 'sooner' }, { name: 'later' }]);
  });

  test('delayed work starts after what was added behind it', async () => {
    const queue = open();
    await queue.add({ name: 'delayed' }, { id: 'a', delay: 300 });
    await queue.add({ name: 'now' }, { id: 'b' });
    const { seen } = start(queue);
    await expect.poll(() => seen, patience).toEqual([{ name: 'now' }, { name: 'delayed' }]);
  });

  test('no more than the wanted number runs at a time', async () => {
    const queue = open();
    let running = 0;
    let most = 0;
    for (let number = 0; number < 12; number += 1)
      await queue.add({ name: 'a' }, { id: `n${number}` });
    let letGo = () => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const { seen } = start(
      queue,
      async () => {
        running += 1;
        most = Math.max(most, running);
        await held;
        await new Promise((wake) => setTimeout(wake, 10));
        running -= 1;
      },
      3,
    );
    await expect.poll(() => running, patience).toBe(3);
    letGo();
    await expect.poll(() => seen.length, patience).toBe(12);
    expect(most).toBe(3);
  });

  test('cancel aborts the signal of that work and of no other', async () => {
    const queue = open({ attempts: 1 });
    const aborted: string[] = [];
    await queue.add({ name: 'a' }, { id: 'a' });
    await queue.add({ name: 'b' }, { id: 'b' });
    const { worker, seen } = start(
      queue,
      (work, attempt) => {
        attempt.signal.addEventListener('abort', () => aborted.push(work.name));
        return untilAborted(work, attempt);
      },
      2,
    );
    await expect.poll(() => seen, patience).toHaveLength(2);
    worker.cancel('a', 'superseded');
    worker.cancel('never', 'unknown');
    await expect.poll(() => aborted, patience).toEqual(['a']);
  });

  test('what fails is tried again, told which try is the first and the last', async () => {
    const queue = open({ attempts: 3 });
    await queue.add({ name: 'a' }, { id: 'a' });
    const { attempts } = start(queue, () => Promise.reject(new Error('no luck')));
    await expect
      .poll(() => attempts, patience)
      .toEqual([
        { first: true, last: false },
        { first: false, last: false },
        { first: false, last: true },
      ]);
  });

  test('what a retry would not mend is not tried again', async () => {
    const queue = open();
    await queue.add({ name: 'wrong' }, { id: 'a' });
    await queue.add({ name: 'away' }, { id: 'b' });
    const { seen } = start(queue, async (work) => {
      if (work.name === 'wrong') throw new InputError('a typing error', { code: 'E_INPUT' });
      throw new RemoteError('no answer', { code: 'E_AWAY' });
    });
    await expect.poll(() => seen.filter((work) => work.name === 'away'), patience).toHaveLength(3);
    expect(seen.filter((work) => work.name === 'wrong')).toHaveLength(1);
  });

  test('stop gives running work back, uncounted, and another worker gets it', async () => {
    const queue = open();
    await queue.add({ name: 'a' }, { id: 'a' });
    const first = start(queue, untilAborted);
    await expect.poll(() => first.seen, patience).toHaveLength(1);
    await first.worker.stop();
    const second = start(queue);
    await expect.poll(() => second.seen, patience).toEqual([{ name: 'a' }]);
    expect(second.attempts).toEqual([{ first: true, last: false }]);
    expect(first.seen).toHaveLength(1);
  });

  test('a worker that stops takes nothing new', async () => {
    const queue = open();
    const first = start(queue);
    await first.worker.stop();
    await queue.add({ name: 'a' }, { id: 'a' });
    const second = start(queue);
    await expect.poll(() => second.seen, patience).toEqual([{ name: 'a' }]);
    expect(first.seen).toEqual([]);
  });
});

test('the work of a worker that died is taken over', async () => {
  const keys = openRedis(redis);
  const queue = openBull(keys);
  await queue.add({ name: 'a' }, { id: 'a' });
  // Takes the work as a worker does and never renews its lock, like a process that was killed.
  const dead = new BullWorker(name, null, {
    connection: keys.redis,
    prefix: keys.prefix,
    lockDuration: 500,
  });
  onTestFinished(() => dead.close(true));
  expect((await dead.getNextJob('the dead'))?.id).toBe('a');
  const { seen } = start(queue);
  await expect.poll(() => seen, patience).toEqual([{ name: 'a' }]);
});

test('whoever works is told how often a process died with the work', async () => {
  const keys = openRedis(redis);
  const queue = openBull(keys);
  await queue.add({ name: 'a' }, { id: 'a' });
  const job = `${keys.prefix}:${name}:a`;
  // What BullMQ counts when it finds the work without a living owner.
  await keys.redis.hset(job, 'stc', 6);
  const crashes: unknown[] = [];
  start(queue, async (_, attempt) => {
    crashes.push(attempt.crashes);
    refuseDeadly(attempt);
  });
  await expect.poll(() => crashes, patience).toEqual([6]);
  await expect
    .poll(() => keys.redis.hget(job, 'failedReason'), patience)
    .toBe('Ekiden died 6 times while it worked on this.');
});

test('workers go on when Redis comes back', async () => {
  const queue = openOwn();
  const { seen } = start(queue);
  await queue.add({ name: 'before' }, { id: 'a' });
  await expect.poll(() => seen, patience).toHaveLength(1);
  await redis.stop();
  const adding = queue.add({ name: 'meanwhile' }, { id: 'b' });
  await redis.start();
  expect((await adding).added).toBe(true);
  await queue.add({ name: 'after' }, { id: 'c' });
  const names = () => seen.map((work) => work.name);
  await expect.poll(names, patience).toEqual(['before', 'meanwhile', 'after']);
});

test('who lost its hold on work while Redis was away gives up before another takes it', async () => {
  const keys = openRedis(redis);
  const queue = openBull(keys);
  await queue.add({ name: 'a' }, { id: 'a' });
  const working = { now: 0, most: 0 };
  const { seen } = start(
    queue,
    async (work, attempt) => {
      working.now += 1;
      working.most = Math.max(working.most, working.now);
      if (seen.length === 1) await untilAborted(work, attempt).catch(() => undefined);
      working.now -= 1;
    },
    2,
  );
  await expect.poll(() => seen, patience).toHaveLength(1);
  await keys.redis.del(`${keys.prefix}:${name}:a:lock`);
  await expect.poll(() => seen, patience).toHaveLength(2);
  expect(working.most).toBe(1);
});
