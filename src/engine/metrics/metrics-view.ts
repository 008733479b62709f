/** Metrics as Marathon answers them: Dropwizard's JSON, and the text of Prometheus; pure. */
import type { MeterFigures, TimerFigures } from './meter.ts';
import type { Metrics } from './metrics.ts';

/** Of Dropwizard, whose JSON this is. */
const VERSION = '4.0.0';

/** The answer of `/metrics`. */
export function metricsJson({ counters, gauges, meters, timers }: Metrics) {
  return {
    version: VERSION,
    gauges: mapped(gauges, (value) => ({ value })),
    counters: mapped(counters, (count) => ({ count })),
    histograms: {},
    meters: mapped(meters, (figures) => ({ ...figures, units: 'events/second' })),
    timers: mapped(timers, (figures) => ({
      ...figures,
      duration_units: 'seconds',
      rate_units: 'calls/second',
    })),
  };
}

const QUANTILES = {
  '0.5': 'p50',
  '0.75': 'p75',
  '0.95': 'p95',
  '0.98': 'p98',
  '0.99': 'p99',
  '0.999': 'p999',
} as const;

/** The answer of `/metrics/prometheus`. */
export function prometheusText({ counters, gauges, meters, timers }: Metrics): string {
  return [
    ...entriesOf(counters).flatMap(([name, count]) => typed(name, 'counter', String(count))),
    ...entriesOf(gauges).flatMap(([name, value]) => typed(name, 'gauge', String(value))),
    ...entriesOf(meters).flatMap(([name, figures]) => [
      ...typed(`${name}_count`, 'gauge', String(figures.count)),
      ...rates(name, figures),
    ]),
    ...entriesOf(timers).flatMap(([name, figures]) => summary(name, figures)),
    '',
  ].join('\n');
}

function summary(name: string, figures: TimerFigures): string[] {
  const shares = Object.entries(QUANTILES).map(
    ([share, key]) => `${name}{quantile="${share}"} ${figures[key].toFixed(6)}`,
  );
  const bounds = (['min', 'mean', 'max', 'stddev'] as const).flatMap((key) =>
    typed(`${name}_${key}`, 'gauge', decimal(figures[key])),
  );
  return [
    `# TYPE ${name} summary`,
    ...shares,
    `${name}_count ${figures.count}`,
    ...bounds,
    ...rates(name, figures),
  ];
}

function rates(name: string, figures: MeterFigures): string[] {
  return (['mean_rate', 'm1_rate', 'm5_rate', 'm15_rate'] as const).flatMap((key) =>
    typed(`${name}_${key}`, 'gauge', decimal(figures[key])),
  );
}

function typed(name: string, type: string, value: string): string[] {
  return [`# TYPE ${name} ${type}`, `${name} ${value}`];
}

/** Names of Prometheus have neither dots nor dashes. */
function entriesOf<T>(figures: Record<string, T>): [string, T][] {
  return Object.entries(figures).map(([name, value]) => [name.replace(/[.-]/g, '_'), value]);
}

function mapped<T, U>(figures: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, change(value)]));
}

/** Java prints whole doubles with a point. */
function decimal(value: number): string {
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
