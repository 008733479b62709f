/** Samples what the instances on this node use, and keeps the last hour of each (dAdvisor). */
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { NodeInstances } from '../core/node.ts';
import type { Metrics } from '../core/sample.ts';
import { serviceAppOf } from '../core/traffic.ts';
import { Gauge } from './gauge.ts';
import type { Roots } from './reader.ts';

export interface MetricsOptions {
  instances: Pick<NodeInstances, 'list' | 'watch'>;
  log: Log;
  roots?: Roots;
  /** Milliseconds between two samples, which lie at multiples of it. */
  step?: number;
}

export interface NodeMetrics extends Metrics {
  start(): void;
  /** Closes every file. */
  stop(): void;
}

const hour = 3_600_000;
const sampleEvery = 10_000;
/** Looks in a step at what has no value yet. */
const looksBeforeFirst = 10;
/** A crash loop makes many instances an hour; the newest ended ones are kept. */
const mostEnded = 500;
const systemRoots: Roots = { cgroup: '/sys/fs/cgroup', proc: '/proc' };

export function createMetrics(options: MetricsOptions): NodeMetrics {
  const { instances, log, roots = systemRoots, step = sampleEvery } = options;
  const gauges = new Map<string, Gauge>();
  let timer: NodeJS.Timeout | undefined;
  let early: NodeJS.Timeout | undefined;
  let unwatch: () => void = () => undefined;

  function compare(): void {
    for (const instance of instances.list()) {
      const { id, running } = instance;
      const known = gauges.get(id);
      if (!known && !running) continue;
      const gauge = known ?? new Gauge({ instance, roots, step, length: Math.ceil(hour / step) });
      gauges.set(id, gauge);
      safely(log, gauge, () => gauge.follow(running));
    }
    forget(gauges);
  }

  function sampleAll(): void {
    for (const gauge of gauges.values()) safely(log, gauge, () => gauge.sample());
    timer = setTimeout(sampleAll, untilNext(step));
  }

  function sampleYoung(): void {
    for (const gauge of gauges.values()) safely(log, gauge, () => gauge.sampleEarly());
  }

  return {
    start() {
      unwatch = instances.watch(compare);
      compare();
      timer = setTimeout(sampleAll, untilNext(step));
      early = setInterval(sampleYoung, step / looksBeforeFirst);
    },
    stop() {
      clearTimeout(timer);
      clearInterval(early);
      unwatch();
      for (const gauge of gauges.values()) gauge.end();
    },
    async ofApp(app) {
      return [...gauges.values()]
        .filter((gauge) => serviceAppOf(gauge.app) === serviceAppOf(app))
        .map((gauge) => gauge.metrics())
        .filter(({ series }) => series.values.cpu.length > 0);
    },
  };
}

/** One that cannot be read must not keep the others from being measured. */
function safely(log: Log, gauge: Gauge, work: () => void): void {
  try {
    work();
  } catch (error) {
    log.warn({ app: gauge.app, error: messageOf(error) }, 'an instance cannot be measured');
    gauge.end();
  }
}

/** Milliseconds; a timer may come a moment early, and must not measure the same step twice. */
function untilNext(step: number): number {
  const left = step - (Date.now() % step);
  return left < step / 4 ? left + step : left;
}

/** Forgets what ended an hour ago, and the oldest beyond what is kept. */
function forget(gauges: Map<string, Gauge>): void {
  const ended = [...gauges].filter(([, { isRunning }]) => !isRunning);
  ended.sort(([, a], [, b]) => b.sampledAt - a.sampledAt);
  for (const [index, [id, { sampledAt }]] of ended.entries()) {
    if (index >= mostEnded || Date.now() - sampledAt > hour) gauges.delete(id);
  }
}
