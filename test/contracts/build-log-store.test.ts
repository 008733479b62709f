/** Logs in Redis: one order for all writers, places that stay, and limits. */
import { expect, it } from 'vitest';
import type { BuildLogStore } from '../../src/core/build-log.ts';
import { isGone } from '../../src/core/build-log.ts';
import { openBuildLogStore, textOfLog } from '../support/build-logs.ts';
import { useRedis } from '../support/redis.ts';

const server = useRedis();

/** A leg that adds texts to a log. */
function writerTo(store: BuildLogStore, build: string, writer: string) {
  let number = 0;
  return (text: string | Uint8Array) => {
    number += 1;
    return store.append({ build, writer, number, bytes: Buffer.from(text) });
  };
}

/** What is read from a byte on, joined, and where it begins. */
async function readFrom(store: BuildLogStore, build: string, from: number) {
  const pieces = await store.read(build, from);
  return [pieces[0]?.offset, Buffer.concat(pieces.map(({ bytes }) => bytes)).toString()];
}

it('keeps what writers add, each behind all before', async () => {
  const { store } = await openBuildLogStore(server);
  const writers = ['a', 'b', 'c', 'd'];
  await Promise.all(
    writers.map(async (name) => {
      const write = writerTo(store, 'b1', name);
      for (let line = 0; line < 50; line += 1) await write(`${name} ${line}\n`);
    }),
  );
  const lines = (await textOfLog(store, 'b1')).trimEnd().split('\n');
  for (const name of writers) {
    const own = lines.filter((line) => line.startsWith(`${name} `));
    expect(own).toEqual(Array.from({ length: 50 }, (_, line) => `${name} ${line}`));
  }
  expect(lines).toHaveLength(200);
});

it('lets no writer go on with a line of another one', async () => {
  const { store } = await openBuildLogStore(server);
  const [a, b] = [writerTo(store, 'b1', 'a'), writerTo(store, 'b1', 'b')];
  await a('open');
  await a(' line');
  await b('another\n');
  await a('and more\n');
  expect(await textOfLog(store, 'b1')).toBe('open line\nanother\nand more\n');
});

it('keeps an addition once, however often it is tried', async () => {
  const { store } = await openBuildLogStore(server);
  const addition = { build: 'b1', writer: 'a', bytes: Buffer.from('one\n') };
  expect(await store.append({ ...addition, number: 1 })).toBe(4);
  expect(await store.append({ ...addition, number: 1 })).toBe(4);
  expect(await store.append({ ...addition, number: 2 })).toBe(8);
  expect(await textOfLog(store, 'b1')).toBe('one\none\n');
});

it('reads no more at once than a slow reader may keep waiting', async () => {
  const { store } = await openBuildLogStore(server);
  const write = writerTo(store, 'b1', 'a');
  for (let count = 0; count < 12; count += 1) await write(Buffer.alloc(64 * 1024, `${count}`));
  const pieces = await store.read('b1', 100);
  expect(pieces.map(({ bytes }) => bytes.length)).toEqual([64 * 1024 - 100, 64 * 1024]);
});

it('reads from any byte on', async () => {
  const { store } = await openBuildLogStore(server);
  const write = writerTo(store, 'b1', 'a');
  for (const text of ['one\n', '駅\n', 'three\n']) await write(text);
  expect(await readFrom(store, 'b1', 0)).toEqual([0, 'one\n駅\nthree\n']);
  expect(await readFrom(store, 'b1', 2)).toEqual([2, 'e\n駅\nthree\n']);
  expect(await readFrom(store, 'b1', 4)).toEqual([4, '駅\nthree\n']);
  expect(await readFrom(store, 'b1', 13)).toEqual([13, '\n']);
  for (const beyond of [14, 99]) expect(await store.read('b1', beyond)).toEqual([]);
  expect(await store.read('b2', 0)).toEqual([]);
  expect(await store.state('b2')).toEqual({ size: 0, modifiedAt: 0 });
});

it('reads a long log in parts of some size, and keeps it compressed', async () => {
  const { store, redis, prefix } = await openBuildLogStore(server);
  const write = writerTo(store, 'b1', 'a');
  const piece = 'a line that is like many others\n'.repeat(2_000);
  for (let count = 0; count < 50; count += 1) await write(piece);
  const pieces = await store.read('b1', 100);
  expect(pieces.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(1024 * 1024);
  expect(await textOfLog(store, 'b1')).toBe(piece.repeat(50));
  expect(Number(await redis.get(`${prefix}:build-logs:weight`))).toBeLessThan(piece.length);
});

it('keeps the head and the tail of a log that grows too long', async () => {
  const { store } = await openBuildLogStore(server, { ends: { head: 100, tail: 100 } });
  const write = writerTo(store, 'b1', 'a');
  for (let count = 0; count < 100; count += 1) await write(`line ${String(count).padStart(4)}\n`);
  const state = await store.state('b1');
  expect(state).toMatchObject({ size: 1000, gap: { start: 100, stop: 900 } });
  expect(await readFrom(store, 'b1', 50)).toEqual([50, expect.stringMatching(/^line {4}5\n/)]);
  expect((await store.read('b1', 300))[0]).toMatchObject({ offset: 900 });
  const text = await textOfLog(store, 'b1');
  expect(text).toMatch(
    /^line {4}0\n[^[]*line {4}9\n\n\[800 bytes are no longer kept here\]\nline {3}90\n/,
  );
});

it('gives up the oldest logs where all together grow too big', async () => {
  const { store, redis, prefix } = await openBuildLogStore(server, { budget: 1_100 });
  const noise = () => crypto.getRandomValues(new Uint8Array(300));
  for (const build of ['b1', 'b2', 'b3', 'b4']) await writerTo(store, build, 'a')(noise());
  const gone = async () => {
    const states = await Promise.all(['b1', 'b2', 'b3', 'b4'].map(store.state));
    return states.map(isGone);
  };
  expect(await gone()).toEqual([true, false, false, false]);
  expect(await store.read('b1', 0)).toEqual([]);
  // Somebody adds to a log that is given up already.
  const { size } = await store.state('b1');
  await writerTo(store, 'b1', 'b')('again\n');
  expect(await gone()).toEqual([false, true, false, false]);
  expect(await store.state('b1')).toMatchObject({ gap: { start: 0, stop: size } });
  expect(await readFrom(store, 'b1', 0)).toEqual([size, 'again\n']);
  const weights = await redis.hvals(`${prefix}:build-logs:weights`);
  const sum = weights.reduce((all, weight) => all + Number(weight), 0);
  expect(Number(await redis.get(`${prefix}:build-logs:weight`))).toBe(sum);
});

it('gives up a log to which nobody added for so long', async () => {
  const { store, redis, prefix } = await openBuildLogStore(server);
  await writerTo(store, 'b1', 'a')('old\n');
  await redis.zadd(`${prefix}:build-logs`, 1, 'b1');
  await writerTo(store, 'b2', 'a')('new\n');
  expect(isGone(await store.state('b1'))).toBe(true);
  expect(await textOfLog(store, 'b2')).toBe('new\n');
});

it('tells who listens, also after Redis was away', async () => {
  const { store } = await openBuildLogStore(server);
  const write = writerTo(store, 'b1', 'a');
  let heard = 0;
  const leave = store.listen('b1', () => {
    heard += 1;
  });
  const tell = async () => {
    await write('x\n').catch(() => undefined);
    return heard;
  };
  await expect.poll(tell).toBeGreaterThan(0);
  await server.stop();
  await expect(write('away\n')).rejects.toThrow();
  await server.start();
  const before = heard;
  await expect.poll(tell).toBeGreaterThan(before);
  leave();
  expect(await textOfLog(store, 'b1')).toMatch(/^(x\n)+$/);
});
