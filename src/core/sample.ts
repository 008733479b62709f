/** A Sample is one reading of what an instance uses; a Series is many of them at equal steps. */

/** What is measured, each with its unit: processors in use, bytes, bytes a second. */
export const metricNames = [
  'cpu',
  'memory',
  'diskRead',
  'diskWrite',
  'networkReceive',
  'networkSend',
] as const;

export type MetricName = (typeof metricNames)[number];

/** Values at `start`, `start + step`, …; null where nothing was measured. */
export interface Series {
  /** Milliseconds since the epoch of the first value. */
  start: number;
  /** Milliseconds. */
  step: number;
  values: Record<MetricName, (number | null)[]>;
}

/** What an instance may use at most; absent where nothing limits it. */
export interface Limits {
  /** Processors. */
  cpu?: number;
  /** Bytes. */
  memory?: number;
}

export interface InstanceMetrics {
  instance: string;
  limits: Limits;
  series: Series;
}

/** What instances used lately, wherever they run; ended ones as long as the node remembers. */
export interface Metrics {
  /** Of those instances of the service that any node knows, all on the same grid of time. */
  ofApp(app: string): Promise<InstanceMetrics[]>;
}

/**
 * The sum at each time over what was measured then: null where nothing was. All series lie on one
 * grid of time; those that begin later or end earlier count while they are there.
 */
export function sumOf(list: readonly Series[], now = Date.now()): Series {
  const step = list[0]?.step ?? 10_000;
  const start = Math.min(...list.map((series) => series.start), Math.floor(now / step) * step);
  const ends = list.map((series) => series.start + series.values.cpu.length * step);
  const length = Math.max(0, Math.round((Math.max(start, ...ends) - start) / step));
  const at = (series: Series, name: MetricName, index: number) =>
    series.values[name][index - Math.round((series.start - start) / step)] ?? null;
  const sumAt = (name: MetricName, index: number) =>
    list
      .map((series) => at(series, name, index))
      .reduce((sum, value) => (value === null ? sum : (sum ?? 0) + value), null);
  const values = Object.fromEntries(
    metricNames.map((name) => [name, Array.from({ length }, (_, index) => sumAt(name, index))]),
  ) as Series['values'];
  return { start, step, values };
}
