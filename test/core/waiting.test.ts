/** How long builds wait, and how they say it. */
import { describe, expect, test } from 'vitest';
import {
  coarseSeconds,
  describeWaiting,
  expectedWaits,
  medianOf,
  ordinal,
} from '../../src/core/waiting.ts';

test.each([
  { name: 'a free slot', slots: 1, running: [], waiting: [5], waits: [0] },
  { name: 'one after the other', slots: 1, running: [3], waiting: [5, 7, 1], waits: [3, 8, 15] },
  { name: 'two slots', slots: 2, running: [3, 10], waiting: [5, 7, 1], waits: [3, 8, 10] },
  { name: 'overdue', slots: 1, running: [-4], waiting: [5, 1], waits: [0, 5] },
  { name: 'a slot more than runs', slots: 3, running: [9], waiting: [5, 5, 5], waits: [0, 0, 5] },
  { name: 'more runs than slots', slots: 1, running: [9, 2], waiting: [1], waits: [9] },
  { name: 'no slot', slots: 0, running: [], waiting: [1], waits: [undefined] },
])('$name', ({ waits, ...ahead }) => {
  expect(expectedWaits(ahead)).toEqual(waits);
});

test.each([
  [[], undefined],
  [[7], 7],
  [[9, 1, 5], 5],
  [[9, 1, 5, 7], 5],
])('the middle of %j is %s', (values, middle) => {
  expect(medianOf(values)).toBe(middle);
});

test.each([
  [0, 0],
  [1, 10],
  [10_000, 10],
  [84_000, 90],
  [100_000, 120],
  [149_000, 120],
  [3_599_000, 3_600],
  [4_000_000, 4_200],
])('%i ms are told as %i s', (milliseconds, seconds) => {
  expect(coarseSeconds(milliseconds)).toBe(seconds);
});

test.each([
  [1, '1st'],
  [2, '2nd'],
  [3, '3rd'],
  [4, '4th'],
  [11, '11th'],
  [12, '12th'],
  [23, '23rd'],
  [101, '101st'],
])('%i: %s', (count, words) => {
  expect(ordinal(count)).toBe(words);
});

describe('a build that waits says', () => {
  const waiting = (position: number, expectedSeconds?: number) => ({
    waiting: {
      ...{ position, priority: 1 },
      ...(expectedSeconds === undefined ? {} : { expectedSeconds }),
    },
  });

  test.each([
    [{}, 'waits for a builder'],
    [waiting(1, 0), 'waits for a builder: 1st in line'],
    [waiting(3, 120), 'waits for a builder: 3rd in line, about 2 min'],
    [waiting(2, 40), 'waits for a builder: 2nd in line, about 40 s'],
    [waiting(2, 90), 'waits for a builder: 2nd in line, about 2 min'],
    [waiting(22, 3_600), 'waits for a builder: 22nd in line, about 1 h'],
    [waiting(22, 4_200), 'waits for a builder: 22nd in line, about 1 h 10 min'],
    [waiting(4), 'waits for a builder: 4th in line'],
    [{ waiting: { priority: 1 } }, 'waits for a builder'],
    [
      { waiting: { priority: 1, why: 'waits for a builder: none is there' } },
      'waits for a builder: none is there',
    ],
    [{ waiting: { priority: 1 }, reason: 'waits to be tried again' }, 'waits to be tried again'],
    [{ reason: 'waits to be tried again' }, 'waits to be tried again'],
    [{ ...waiting(1, 0), reason: 'waits to be tried again' }, 'waits for a builder: 1st in line'],
    [
      { waiting: { position: 1, priority: 1, why: 'waits: no room' }, reason: 'old' },
      'waits: no room',
    ],
  ])('%j: %s', (build, words) => {
    expect(describeWaiting(build)).toBe(words);
  });
});
