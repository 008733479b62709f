/** Apps as the API shows them, with what the client asks to be embedded. */

import type { Readiness } from '../checks/readiness-monitor.ts';
import type { AppRecord, Cluster } from '../state/cluster.ts';
import { taskStats } from '../tasks/task-stats.ts';
import { countsOf, tasksOf, taskView } from './task-view.ts';

export type Embed = 'tasks' | 'lastTaskFailure' | 'readiness' | 'taskStats';

const EMBEDS: string[] = ['tasks', 'lastTaskFailure', 'readiness', 'taskStats'] satisfies Embed[];

/** Names with and without their prefix; `counts` and `deployments` are always there. */
export function parseEmbeds(names: string[]): Set<Embed> {
  const embeds = new Set<Embed>();
  for (const name of names.flatMap((list) => list.split(','))) {
    const bare = name.trim().replace(/^(group\.)?(apps?\.)?/, '');
    if (EMBEDS.includes(bare)) embeds.add(bare as Embed);
    if (bare === 'failures') embeds.add('tasks').add('lastTaskFailure');
  }
  return embeds;
}

/** What the readiness checks have answered of the instances that a running deployment brings. */
export function readinessOf(cluster: Cluster, { id, app, instances }: AppRecord): Readiness[] {
  if (!app || cluster.deploymentsOf(id).length === 0) return [];
  return [...instances.values()]
    .filter(({ version }) => version >= app.versionInfo.lastConfigChangeAt)
    .flatMap(({ readiness }) => readiness ?? []);
}

/** The AppInfo of a record whose app is not deleted. */
export function appView(cluster: Cluster, record: AppRecord, embeds: Set<Embed>, host: string) {
  const { app, lastTaskFailure: failure } = record;
  return {
    ...app,
    ...countsOf(record),
    deployments: cluster.deploymentsOf(record.id).map(({ id }) => ({ id })),
    ...(embeds.has('readiness') ? { readinessCheckResults: readinessOf(cluster, record) } : {}),
    ...(embeds.has('tasks')
      ? {
          tasks: tasksOf(record).map((instance) =>
            taskView(instance, host, cluster.definitionOf(instance)),
          ),
        }
      : {}),
    ...(embeds.has('taskStats') && app ? { tasksStats: taskStats(record, app, new Date()) } : {}),
    ...(embeds.has('lastTaskFailure') && failure ? { lastTaskFailure: failure } : {}),
  };
}
