/** What the engine counts of itself, under the names that Marathon has had for it since 1.7. */

import type { Publish } from '../api/event-stream.ts';
import type { Cluster } from '../state/cluster.ts';
import { createHttpMetrics, type HttpFigures } from './http-metrics.ts';
import { createTimer, type MeterFigures, type TimerFigures } from './meter.ts';

export interface Metrics {
  counters: Record<string, number>;
  gauges: Record<string, number>;
  meters: Record<string, MeterFigures>;
  timers: Record<string, TimerFigures>;
}

interface MetricsOptions {
  cluster: Cluster;
  streams: () => { active: number; bytes: number };
}

/** Marathon has these of Mesos and of its store; nothing here ever adds to them. */
const NEVER = [
  'persistence.gc.runs',
  'mesos.calls.revive',
  'mesos.calls.suppress',
  'mesos.offer-operations.launch-group',
  'mesos.offer-operations.reserve',
  'mesos.offers.declined',
  'mesos.offers.incoming',
  'mesos.offers.used',
];

export type EngineMetrics = ReturnType<typeof createMetrics>;

export function createMetrics({ cluster, streams }: MetricsOptions) {
  const started = Date.now();
  const activeAtStart = cluster.deployments.size;
  const http = createHttpMetrics();
  let ended = 0;
  let launched = 0;

  /** To be told of every event. */
  const observe: Publish = (eventType, fields) => {
    if (/^deployment_(success|failed)$/.test(eventType)) ended += 1;
    if (eventType !== 'instance_changed_event') return;
    if (fields['condition'] === 'Provisioned') launched += 1;
  };

  const read = (): Metrics => {
    const figures = http.read();
    const { active, bytes } = streams();
    const deployments = cluster.deployments.size - activeAtStart + ended;
    return {
      counters: {
        ...countersOf({ deployments, launched, figures }),
        'marathon.http.event-streams.responses.size.counter.bytes': bytes,
      },
      gauges: {
        ...gaugesOf(cluster),
        'marathon.leadership.duration.gauge.seconds': (Date.now() - started) / 1000,
        'marathon.uptime.gauge.seconds': process.uptime(),
        'marathon.http.requests.active.gauge': figures.active,
        'marathon.http.event-streams.active.gauge': active,
        ...processGauges(process.memoryUsage()),
      },
      meters: renamed(figures.responses, (name) => `marathon.http.responses.${name}.rate.meter`),
      timers: {
        'marathon.persistence.gc.compaction.duration.timer.seconds': createTimer().read(),
        'marathon.persistence.gc.scan.duration.timer.seconds': createTimer().read(),
        'marathon.http.requests.duration.timer.seconds': figures.requests,
        ...renamed(
          figures.byMethod,
          (name) => `marathon.http.requests.${name}.duration.timer.seconds`,
        ),
      },
    };
  };

  return { observe, read, countExchanges: http.handler };
}

interface Counted {
  deployments: number;
  launched: number;
  figures: HttpFigures;
}

function countersOf({ deployments, launched, figures }: Counted): Record<string, number> {
  return {
    'marathon.deployments.counter': deployments,
    'marathon.deployments.dismissed.counter': figures.forbidden,
    'marathon.tasks.launched.counter': launched,
    'marathon.mesos.offer-operations.launch.counter': launched,
    ...Object.fromEntries(NEVER.map((name) => [`marathon.${name}.counter`, 0])),
    'marathon.http.requests.size.counter.bytes': figures.requestBytes,
    'marathon.http.responses.size.counter.bytes': figures.responseBytes,
    'marathon.http.responses.size.gzipped.counter.bytes': 0,
  };
}

function renamed<T>(figures: Record<string, T>, rename: (name: string) => string) {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [rename(name), value]));
}

function gaugesOf(cluster: Cluster): Record<string, number> {
  const conditions = cluster.instances().map(({ condition }) => condition);
  const count = (wanted: string) => conditions.filter((one) => one === wanted).length;
  return {
    'marathon.apps.active.gauge': cluster.apps().size,
    'marathon.pods.active.gauge': 0,
    'marathon.groups.active.gauge': cluster.groups.size,
    'marathon.deployments.active.gauge': cluster.deployments.size,
    'marathon.instances.running.gauge': count('Running'),
    'marathon.instances.staged.gauge': count('Staging'),
    'marathon.instances.launch-overdue.gauge': 0,
    'marathon.instances.inflight-kills.gauge': count('Killing'),
    'marathon.instances.inflight-kill-attempts.gauge': count('Killing'),
  };
}

/** Dashboards for Marathon look for these; what only a JVM has is 0. */
function processGauges(memory: NodeJS.MemoryUsage): Record<string, number> {
  const { rss, heapUsed, heapTotal, external, arrayBuffers } = memory;
  const sizes = (name: string, used: number, committed: number) => ({
    [`marathon.jvm.memory.${name}.init.gauge.bytes`]: 0,
    [`marathon.jvm.memory.${name}.used.gauge.bytes`]: used,
    [`marathon.jvm.memory.${name}.max.gauge.bytes`]: -1,
    [`marathon.jvm.memory.${name}.committed.gauge.bytes`]: committed,
  });
  const buffers = (name: string, used: number) => ({
    [`marathon.jvm.buffers.${name}.gauge`]: 0,
    [`marathon.jvm.buffers.${name}.capacity.gauge.bytes`]: used,
    [`marathon.jvm.buffers.${name}.memory.used.gauge.bytes`]: used,
  });
  const threads = 'active daemon deadlocked new runnable blocked timed-waiting waiting terminated';
  return {
    ...buffers('mapped', 0),
    ...buffers('direct', arrayBuffers),
    ...sizes('total', rss, rss),
    ...sizes('heap', heapUsed, heapTotal),
    ...sizes('non-heap', external, external),
    'marathon.jvm.memory.heap.usage.gauge': heapUsed / heapTotal,
    'marathon.jvm.memory.non-heap.usage.gauge': 0,
    ...Object.fromEntries(
      threads
        .split(' ')
        .map((state) => [
          `marathon.jvm.threads.${state}.gauge`,
          state === 'active' || state === 'runnable' ? 1 : 0,
        ]),
    ),
  };
}
