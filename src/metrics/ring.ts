/** The last values of one instance, at equal steps; the oldest make room for the newest. */
import { type MetricName, metricNames, type Series } from '../core/sample.ts';

export interface Ring {
  /** Puts values at a step, counted from the epoch; one that is there already stays. */
  put(step: number, values: Record<MetricName, number | null>): void;
  /** From the first step that was put, or the last that has room, to the newest. */
  series(): Series;
}

export interface RingOptions {
  /** Milliseconds of a step. */
  step: number;
  /** Steps that are kept. */
  length: number;
}

export function createRing({ step: stepTime, length }: RingOptions): Ring {
  const columns = new Map(
    metricNames.map((name) => [name, new Float64Array(length).fill(Number.NaN)]),
  );
  let first: number | undefined;
  let last = -1;

  function write(step: number, values: Partial<Record<MetricName, number | null>>): void {
    for (const [name, column] of columns) column[step % length] = values[name] ?? Number.NaN;
  }

  return {
    put(step, values) {
      // A clock that was put back by more than the ring holds begins again.
      if (first !== undefined && step <= last && last - step < length) return;
      if (first === undefined || step < last || step - last >= length) first = step;
      for (let missed = Math.max(first, last + 1); missed < step; missed += 1) write(missed, {});
      write(step, values);
      last = step;
    },
    series() {
      const from = Math.max(first ?? 0, last - length + 1);
      const steps =
        first === undefined ? [] : Array.from({ length: last - from + 1 }, (_, i) => from + i);
      const numbersOf = (column: Float64Array) =>
        steps.map((step) => numberOrNull(column[step % length]));
      return {
        start: from * stepTime,
        step: stepTime,
        values: Object.fromEntries(
          [...columns].map(([name, column]) => [name, numbersOf(column)]),
        ) as Series['values'],
      };
    },
  };
}

function numberOrNull(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}
