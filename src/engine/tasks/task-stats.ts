/** What Marathon calls task statistics: how many tasks of an app are how, and for how long, by their version. */

import { countsOf } from '../api/task-view.ts';
import type { App } from '../apps/app-definition.ts';
import type { AppRecord, Instance } from '../state/cluster.ts';

export interface TaskStats {
  stats: {
    counts: { staged: number; running: number; healthy: number; unhealthy: number };
    /** Absent where nothing has started. */
    lifeTime?: { averageSeconds: number; medianSeconds: number };
  };
}

/** The statistics of a record whose app is not deleted; a set without tasks is left out. */
export function taskStats(record: AppRecord, app: App, now: Date): Record<string, TaskStats> {
  const { lastScalingAt, lastConfigChangeAt } = app.versionInfo;
  const sets: [string, (instance: Instance) => boolean][] = [
    ['startedAfterLastScaling', ({ version }) => version >= lastScalingAt],
    ['withLatestConfig', ({ version }) => version >= lastConfigChangeAt],
    ['withOutdatedConfig', ({ version }) => version < lastConfigChangeAt],
    ['totalSummary', () => true],
  ];
  const told = sets.map(([name, belongs]) => [name, statsOf(record, belongs, now)] as const);
  return Object.fromEntries(told.flatMap(([name, stats]) => (stats ? [[name, stats]] : [])));
}

function statsOf(
  record: AppRecord,
  belongs: (instance: Instance) => boolean,
  now: Date,
): TaskStats | undefined {
  const tasks = [...record.instances].filter(
    ([, instance]) => instance.condition !== 'Scheduled' && belongs(instance),
  );
  if (tasks.length === 0) return undefined;
  const counts = countsOf({ ...record, instances: new Map(tasks) });
  const ages = tasks
    .flatMap(([, { startedAt }]) => startedAt ?? [])
    .map((startedAt) => (now.getTime() - Date.parse(startedAt)) / 1000)
    .sort((a, b) => a - b);
  return {
    stats: {
      counts: {
        staged: counts.tasksStaged,
        running: counts.tasksRunning,
        healthy: counts.tasksHealthy,
        unhealthy: counts.tasksUnhealthy,
      },
      ...(ages.length > 0 ? { lifeTime: lifeTimeOf(ages) } : {}),
    },
  };
}

/** Of ages in seconds, the smallest first. */
function lifeTimeOf(ages: number[]) {
  const middle = ages.length / 2;
  const upper = ages[Math.floor(middle)] ?? 0;
  const lower = ages[Math.ceil(middle) - 1] ?? upper;
  return {
    averageSeconds: ages.reduce((sum, age) => sum + age, 0) / ages.length,
    medianSeconds: (lower + upper) / 2,
  };
}
