/** The timeline of a push: its legs in order, their lengths, and the waterfall. */
import { describe, expect, test } from 'vitest';
import { durations, type Leg, renderWaterfall, withLeg } from '../../src/core/timeline.ts';

const hook: Leg = { name: 'hook', start: 0, end: 10 };
const queue: Leg = { name: 'queue', start: 10, end: 20 };
const build: Leg = { name: 'build', start: 20, end: 100 };

describe('withLeg', () => {
  test.each([
    ['the first', [], hook, [hook]],
    ['the next', [hook], build, [hook, build]],
    ['one between two', [hook, build], queue, [hook, queue, build]],
    ['one before all', [queue, build], hook, [hook, queue, build]],
    ['one again', [hook, queue], { ...hook, end: 5 }, [{ ...hook, end: 5 }, queue]],
  ] as [string, Leg[], Leg, Leg[]][])('%s', (_, legs, leg, wanted) => {
    const before = structuredClone(legs);
    expect(withLeg(legs, leg)).toEqual(wanted);
    expect(legs).toEqual(before);
  });
});

test('durations tell of finished legs only', () => {
  expect(durations([hook, build, { name: 'push', start: 100 }])).toEqual({ hook: 10, build: 80 });
  expect(durations([])).toEqual({});
});

describe('renderWaterfall', () => {
  test('draws each leg where it was', () => {
    expect(renderWaterfall([hook, queue, build], 10)).toEqual([
      'hook     █               10 ms',
      'queue     █              10 ms',
      'build      ████████      80 ms',
    ]);
  });

  test('a leg under way has no length yet', () => {
    expect(renderWaterfall([hook, { name: 'queue', start: 10 }], 10)).toEqual([
      'hook     ██████████      10 ms',
      'queue             █       … ms',
    ]);
  });

  test('nothing to draw is no line', () => {
    expect(renderWaterfall([])).toEqual([]);
  });

  test('a leg without length is one mark', () => {
    expect(renderWaterfall([{ name: 'hook', start: 5, end: 5 }], 4)).toEqual([
      'hook     █          0 ms',
    ]);
  });

  test.each([
    ['an hour', 3_600_000],
    ['a moment', 1],
    ['a clock that went back', -5],
  ])('keeps its width: %s', (_, end) => {
    const lines = renderWaterfall([hook, { name: 'build', start: 10, end: 10 + end }], 20);
    expect(lines.map((line) => line.length)).toEqual([40, 40]);
  });
});
