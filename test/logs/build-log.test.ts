/** The log of a build as it is followed and read: over breaks, gaps, and its end. */
import { getEventListeners } from 'node:events';
import { expect, it, onTestFinished, test, vi } from 'vitest';
import { createBuildLogReader } from '../../src/build-log-reader.ts';
import type { BuildLogStore } from '../../src/core/build-log.ts';
import type { LogFrame } from '../../src/core/log-file.ts';
import { followBuildLog } from '../../src/logs/build-log.ts';
import { openBuildLogStore } from '../support/build-logs.ts';
import { useRedis } from '../support/redis.ts';
import { sampleBuild, sampleDeployment } from '../support/samples.ts';

const server = useRedis();

async function open(change: Parameters<typeof openBuildLogStore>[1] = {}) {
  const { store, redis, prefix } = await openBuildLogStore(server, change);
  const build = sampleBuild({ state: 'running', deployments: ['d1'] });
  const deployment = sampleDeployment({ state: 'running' });
  const reader = createBuildLogReader({
    buildLogStore: store,
    builds: { find: async () => build },
    deployments: { find: async () => deployment },
  });
  let number = 0;
  const add = (text: string) => {
    number += 1;
    return store.append({ build: 'b1', writer: 'a', number, bytes: Buffer.from(text) });
  };
  return { store, redis, prefix, reader, add, build, deployment };
}

/** A store of a log that says nothing. */
const quiet: BuildLogStore = {
  append: async () => 0,
  state: async () => ({ size: 0, modifiedAt: 0 }),
  read: async () => [],
  listen: () => () => undefined,
  close: async () => undefined,
};

type Reader = ReturnType<typeof createBuildLogReader>;

/** Follows until `isEnough`, or the end; answers what was told. */
async function follow(
  reader: Reader,
  from: number,
  isEnough: (text: string) => boolean = () => false,
) {
  const leaving = new AbortController();
  const told: LogFrame[] = [];
  let text = '';
  for await (const frame of reader.follow('b1', { from, signal: leaving.signal })) {
    told.push(frame);
    if (frame.type === 'data') text += frame.bytes.toString('latin1');
    if (isEnough(text)) leaving.abort();
  }
  return { text, told };
}

test('a reader who is cut off again and again misses no byte and gets none twice', async () => {
  const { reader, add, build, deployment } = await open();
  const piece = Array.from({ length: 300 }, (_, line) => `line ${line} 駅\n`).join('');
  const writing = (async () => {
    for (let count = 0; count < 40; count += 1) await add(piece);
    Object.assign(build, { state: 'succeeded' });
    Object.assign(deployment, { state: 'succeeded' });
  })();
  let got = '';
  for (let breaks = 0; breaks < 8; breaks += 1) {
    const { text, told } = await follow(reader, got.length, (text) => text.length > 5_000);
    expect(told[0]).toEqual({ type: 'position', identity: 'b1', offset: got.length });
    got += text;
  }
  const { text, told } = await follow(reader, got.length);
  await writing;
  expect(told.at(-1)).toEqual({ type: 'end', reason: 'the build has ended' });
  expect(Buffer.from(got + text, 'latin1').toString() === piece.repeat(40)).toBe(true);
});

test('the end waits for the deployments of the image', async () => {
  const { reader, add, build, deployment } = await open();
  await add('built\n');
  Object.assign(build, { state: 'succeeded' });
  const following = follow(reader, 0);
  await add('production/web: starting\n');
  Object.assign(deployment, { state: 'succeeded' });
  await add('production/web: live\n');
  expect((await following).text).toBe('built\nproduction/web: starting\nproduction/web: live\n');
});

it.each([
  [2, 'o\nthree\n', 2],
  [-6, 'three\n', 4],
  [-99, 'two\nthree\n', 0],
  [10, '', 10],
  [99, '', 10],
])('is followed from byte %i', async (from, wanted, offset) => {
  const { reader, add, build, deployment } = await open();
  Object.assign(build, { state: 'succeeded' });
  Object.assign(deployment, { state: 'failed' });
  await add('two\nthree\n');
  const { text, told } = await follow(reader, from);
  expect([text, told[0]]).toEqual([wanted, { type: 'position', identity: 'b1', offset }]);
});

test('what is no longer kept is told to who follows, and to who reads', async () => {
  const { reader, add, build, deployment } = await open({ ends: { head: 20, tail: 20 } });
  for (let line = 0; line < 10; line += 1) await add(`line ${line} ..\n`);
  Object.assign(build, { state: 'succeeded' });
  Object.assign(deployment, { state: 'succeeded' });
  const { told } = await follow(reader, 0);
  expect(told).toEqual([
    { type: 'position', identity: 'b1', offset: 0 },
    { type: 'data', bytes: Buffer.from('line 0 ..\nline 1 ..\n') },
    { type: 'skipped', bytes: 60 },
    { type: 'position', identity: 'b1', offset: 80 },
    { type: 'data', bytes: Buffer.from('line 8 ..\nline 9 ..\n') },
    { type: 'end', reason: 'the build has ended' },
  ]);
  expect(await reader.tail('b1', 30)).toBe(
    '\n[10 bytes are no longer kept here]\nline 8 ..\nline 9 ..\n',
  );
  expect(await reader.state('b1')).toMatchObject({ size: 100, gap: { start: 20, stop: 80 } });
});

test('a log whose end was lost goes on from where it ends now', async () => {
  let log = 'kept\nlost\n';
  const store: BuildLogStore = {
    ...quiet,
    state: async () => ({ size: log.length, modifiedAt: 1 }),
    read: async (_, offset) =>
      offset < log.length ? [{ offset, bytes: Buffer.from(log.slice(offset)) }] : [],
  };
  const { signal } = new AbortController();
  const isOver = async () => log.endsWith('said again\n');
  const told: LogFrame[] = [];
  for await (const frame of followBuildLog({ store, build: 'b1', from: 0, isOver, signal })) {
    told.push(frame);
    if (told.length === 2) log = 'kept\n';
    if (told.length === 3) log += 'said again\n';
  }
  expect(told).toEqual([
    { type: 'position', identity: 'b1', offset: 0 },
    { type: 'data', bytes: Buffer.from('kept\nlost\n') },
    { type: 'position', identity: 'b1', offset: 5 },
    { type: 'data', bytes: Buffer.from('said again\n') },
    { type: 'end', reason: 'the build has ended' },
  ]);
});

test('a log that was given up says so', async () => {
  const { reader, add, redis, prefix, build, deployment } = await open();
  await add('all of it\n');
  await redis.del(`${prefix}:build-log-pieces:b1`);
  Object.assign(build, { state: 'succeeded' });
  Object.assign(deployment, { state: 'succeeded' });
  await expect(reader.state('b1')).rejects.toMatchObject({ code: 'E_LOG_GONE', status: 410 });
  await expect(reader.open('b1', { start: 0, end: 3 })).rejects.toMatchObject({ status: 410 });
  const { told } = await follow(reader, 0);
  expect(told.at(-1)).toEqual({ type: 'end', reason: 'The log is no longer kept.' });
});

test('its end begins with a whole character', async () => {
  const { reader, add } = await open();
  await add('ab駅c');
  const tails = await Promise.all([100, 6, 4, 3, 0].map((bytes) => reader.tail('b1', bytes)));
  expect(tails).toEqual(['ab駅c', 'ab駅c', '駅c', 'c', '']);
});

test('who leaves is let go at once, and listens no more', async () => {
  const { store, build } = await open();
  let listening = 0;
  const counted: BuildLogStore = {
    ...store,
    listen(name, onChange) {
      listening += 1;
      const leave = store.listen(name, onChange);
      return () => {
        listening -= 1;
        leave();
      };
    },
  };
  const reader = createBuildLogReader({
    buildLogStore: counted,
    builds: { find: async () => build },
    deployments: { find: async () => undefined },
  });
  const leaving = new AbortController();
  onTestFinished(() => leaving.abort());
  const frames = reader.follow('b1', { from: 0, signal: leaving.signal })[Symbol.asyncIterator]();
  await frames.next();
  const waiting = frames.next();
  expect(listening).toBe(1);
  leaving.abort();
  expect((await waiting).done).toBe(true);
  expect(listening).toBe(0);
});

test('who waits for long hears of the end once', async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const leaving = new AbortController();
  const { signal } = leaving;
  const isOver = async () => false;
  const frames = followBuildLog({ store: quiet, build: 'b1', from: 0, isOver, signal });
  await frames.next();
  const next = frames.next();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  leaving.abort();
  expect((await next).done).toBe(true);
});

test('a log that grows is no reason to ask whether its build is over', async () => {
  let log = '';
  let hint = () => {};
  const store: BuildLogStore = {
    ...quiet,
    state: async () => ({ size: log.length, modifiedAt: 1 }),
    read: async (_, offset) =>
      offset < log.length ? [{ offset, bytes: Buffer.from(log.slice(offset)) }] : [],
    listen(_, onChange) {
      hint = onChange;
      return () => undefined;
    },
  };
  let asked = 0;
  const isOver = async () => {
    asked += 1;
    return log.length === 50;
  };
  const { signal } = new AbortController();
  let read = 0;
  const grow = () => {
    if (log.length < 50) log += 'x';
    hint();
  };
  for await (const frame of followBuildLog({ store, build: 'b1', from: 0, isOver, signal })) {
    if (frame.type === 'data') read += frame.bytes.length;
    setImmediate(grow);
  }
  expect([read, asked]).toEqual([50, expect.toSatisfy((count: number) => count < 5)]);
});
