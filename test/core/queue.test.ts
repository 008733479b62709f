/** How long work that fails waits before it is tried again, and when it is given up. */
import { expect, test } from 'vitest';
import { EkidenError } from '../../src/core/errors.ts';
import { attemptsInAll, pauseAfter, refuseDeadly } from '../../src/core/queue.ts';

const pauses = Array.from({ length: attemptsInAll - 1 }, (_, index) => pauseAfter(index + 1));

test('pauses double, up to a minute', () => {
  expect(pauses.slice(0, 10)).toEqual([
    500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000,
  ]);
});

test('they span about half an hour', () => {
  const minutes = pauses.reduce((sum, pause) => sum + pause, 0) / 60_000;
  expect(minutes).toBeGreaterThan(25);
  expect(minutes).toBeLessThan(35);
});

test('what ended five processes is tried, and what ended six is refused for good', () => {
  refuseDeadly({});
  refuseDeadly({ crashes: 5 });
  const refused = () => refuseDeadly({ crashes: 6 });
  expect(refused).toThrow('Ekiden died 6 times while it worked on this.');
  expect(refused).toThrow(EkidenError);
  expect(refused).toThrow(expect.objectContaining({ retryable: false }));
});
