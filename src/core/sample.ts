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

export const metricUnits: Record<MetricName, 'cores' | 'bytes' | 'bytes/s'> = {
  cpu: 'cores',
  memory: 'bytes',
  diskRead: 'bytes/s',
  diskWrite: 'bytes/s',
  networkReceive: 'bytes/s',
  networkSend: 'bytes/s',
};

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
  /** Of those instances of the app that any node knows, all on the same grid of time. */
  ofApp(app: string): Promise<InstanceMetrics[]>;
}
