/** Series are summed where they were measured. */
import { expect, test } from 'vitest';
import { metricNames, type Series, sumOf } from '../../src/core/sample.ts';

const step = 10_000;

function series(start: number, cpu: (number | null)[]): Series {
  const none = cpu.map(() => null);
  const values = Object.fromEntries(metricNames.map((name) => [name, none]));
  return { start, step, values: { ...values, cpu } as Series['values'] };
}

test.each([
  { name: 'one', list: [series(0, [1, 2])], start: 0, cpu: [1, 2] },
  { name: 'two at once', list: [series(0, [1, 2]), series(0, [3, 4])], start: 0, cpu: [4, 6] },
  { name: 'a gap', list: [series(0, [1, null]), series(0, [3, 4])], start: 0, cpu: [4, 4] },
  { name: 'no value at all', list: [series(0, [null])], start: 0, cpu: [null] },
  {
    name: 'one that begins later and one that ends earlier',
    list: [series(step, [1, 1, 1]), series(0, [2, 2])],
    start: 0,
    cpu: [2, 3, 1, 1],
  },
  {
    name: 'two with a pause between them',
    list: [series(0, [1]), series(3 * step, [2])],
    start: 0,
    cpu: [1, null, null, 2],
  },
])('the sum of $name', ({ list, start, cpu }) => {
  const sum = sumOf(list, 10 * step);
  expect([sum.start, sum.step, sum.values.cpu]).toEqual([start, step, cpu]);
});

test('the sum of nothing is an empty series that begins now', () => {
  expect(sumOf([], 12_345)).toMatchObject({ start: 10_000, step, values: { cpu: [], memory: [] } });
});
