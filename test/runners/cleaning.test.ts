/** When cleaning happens by itself: by the clock, and at once where a disk is full. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cleanRegularly } from '../../runners/cleaning.ts';
import { createCleaning } from '../../src/cleaning.ts';
import { silent } from '../../src/core/log.ts';
import type { Ekiden } from '../../src/ekiden.ts';
import type { Parts } from '../../src/parts.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const hour = 3_600_000;

/** An Ekiden that only counts its cleanings; each fails, which stops no later one. */
function counting(cleanEvery: number) {
  const times: number[] = [];
  const clean = async () => {
    times.push(Date.now());
    throw new Error('no Marathon');
  };
  const ekiden = { cleaning: { clean }, config: { cleanEvery }, log: silent } as unknown as Ekiden;
  return { ekiden, times };
}

test('it comes round by the clock, not all hosts at once, until it is stopped', async () => {
  const { ekiden, times } = counting(24);
  const start = Date.now();
  const stop = cleanRegularly(ekiden);
  await vi.advanceTimersByTimeAsync(24 * hour * 3.4);
  expect(times).toHaveLength(3);
  const [first = 0] = times;
  expect(Math.abs(first - start - 24 * hour)).toBeLessThanOrEqual(2.4 * hour);
  stop();
  await vi.advanceTimersByTimeAsync(100 * hour);
  expect(times).toHaveLength(3);
});

test('one that is under way when it is stopped is the last', async () => {
  const { ekiden, times } = counting(24);
  let end: (() => void) | undefined;
  const { clean } = ekiden.cleaning;
  ekiden.cleaning.clean = async (options) => {
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    return clean(options);
  };
  const stop = cleanRegularly(ekiden);
  await vi.advanceTimersByTimeAsync(30 * hour);
  stop();
  end?.();
  await vi.advanceTimersByTimeAsync(0);
  expect([times.length, vi.getTimerCount()]).toEqual([1, 0]);
});

test('with 0 it comes only when asked for', async () => {
  const { ekiden, times } = counting(0);
  cleanRegularly(ekiden);
  await vi.advanceTimersByTimeAsync(1_000 * hour);
  expect([times, vi.getTimerCount()]).toEqual([[], 0]);
});

test('where a disk is full it is done at once, and not again and again', async () => {
  let count = 0;
  const docker = {
    async ping() {
      count++;
      throw new Error('no Docker');
    },
  };
  const exclusively = () => Promise.reject(new Error('no Redis'));
  const parts = { config: {}, stores: { locks: { exclusively } }, log: silent, docker };
  const { cleanSoon } = createCleaning(parts as unknown as Parts);
  for (let n = 0; n < 20; n++) cleanSoon();
  await vi.advanceTimersByTimeAsync(0);
  expect(count).toBe(1);
  await vi.advanceTimersByTimeAsync(hour / 4);
  cleanSoon();
  expect(count).toBe(2);
});
