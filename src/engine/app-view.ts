/** Apps as the API shows them, with what the client asks to be embedded. */
import type { AppRecord, Cluster } from './cluster.ts';
import type { Readiness } from './readiness-monitor.ts';
import { countsOf, tasksOf, taskView } from './task-view.ts';

export type Embed = 'tasks' | 'lastTaskFailure' | 'readiness';

/** Names with and without their prefix; `counts` and `deployments` are always there. */
export function parseEmbeds(names: string[]): Set<Embed> {
  const embeds = new Set<Embed>();
  for (const name of names.flatMap((list) => list.split(','))) {
    const bare = name.trim().replace(/^(group\.)?(apps?\.)?/, '');
    if (bare === 'tasks' || bare === 'lastTaskFailure' || bare === 'readiness') embeds.add(bare);
    if (bare === 'failures') embeds.add('tasks').add('lastTaskFailure');
  }
  return embeds;
}

/** What the readiness checks of an app's instances have answered. */
export function readinessOf({ instances }: AppRecord): Readiness[] {
  return [...instances.values()].flatMap(({ readiness }) => readiness ?? []);
}

/** The AppInfo of a record whose app is not deleted. */
export function appView(cluster: Cluster, record: AppRecord, embeds: Set<Embed>, host: string) {
  const failure = record.lastTaskFailure;
  return {
    ...record.app,
    ...countsOf(record),
    deployments: cluster.deploymentsOf(record.id).map(({ id }) => ({ id })),
    ...(embeds.has('readiness') ? { readinessCheckResults: readinessOf(record) } : {}),
    ...(embeds.has('tasks')
      ? {
          tasks: tasksOf(record).map((instance) =>
            taskView(instance, host, cluster.definitionOf(instance)),
          ),
        }
      : {}),
    ...(embeds.has('lastTaskFailure') && failure ? { lastTaskFailure: failure } : {}),
  };
}
