/** Groups as the API shows them, with what the client asks to be embedded. */
import type { App } from '../apps/app-definition.ts';
import { parentOf } from '../apps/app-id.ts';
import { emptyGroup, type Root } from '../groups/group.ts';
import type { Cluster } from '../state/cluster.ts';
import { appView, type Embed, parseEmbeds } from './app-view.ts';

export interface GroupInfo {
  id: string;
  version: string;
  apps: object[];
  groups: GroupInfo[];
  /** This engine has none. */
  pods: never[];
  dependencies: string[];
  enforceRole: boolean;
}

export interface GroupEmbeds {
  groups: boolean;
  apps: boolean;
  /** Of each app. */
  app: Set<Embed>;
  counts: boolean;
  deployments: boolean;
}

/** Without any, groups and apps are embedded, and of the apps nothing but their definitions. */
export function parseGroupEmbeds(given: string[]): GroupEmbeds {
  const names = given.flatMap((list) => list.split(',')).map((name) => name.trim());
  const ofApps = names.filter((name) => name.startsWith('group.apps.'));
  const bare = new Set(ofApps.map((name) => name.slice('group.apps.'.length)));
  return {
    groups: names.length === 0 || names.includes('group.groups'),
    apps: names.length === 0 || names.includes('group.apps') || ofApps.length > 0,
    app: parseEmbeds(ofApps),
    counts: bare.has('counts'),
    // Marathon tells the deployments wherever it tells the tasks.
    deployments: ['deployments', 'tasks', 'failures'].some((name) => bare.has(name)),
  };
}

/** The app's part of a group that is asked for with `embeds`. */
export function embeddedApp(cluster: Cluster, host: string, embeds: GroupEmbeds) {
  return ({ id }: App): object => {
    const view = appView(cluster, cluster.record(id), embeds.app, host);
    const { tasksStaged, tasksRunning, tasksHealthy, tasksUnhealthy, deployments, ...rest } = view;
    return {
      ...rest,
      ...(embeds.counts ? { tasksStaged, tasksRunning, tasksHealthy, tasksUnhealthy } : {}),
      ...(embeds.deployments ? { deployments } : {}),
    };
  };
}

interface Shown {
  version: string;
  groups: boolean;
  /** Absent where apps are not shown. */
  app?: (app: App) => object;
}

/** The group `id` of `root`, and those in it. */
export function groupView(root: Root, id: string, { version, groups, app }: Shown): GroupInfo {
  const appsOf = app ? byParent([...root.apps.values()]) : new Map<string, App[]>();
  const groupsOf = groups ? byParent([...root.groups.values()]) : new Map();
  const view = (group = emptyGroup(id)): GroupInfo => ({
    ...group,
    version,
    apps: (appsOf.get(group.id) ?? []).map((one) => app?.(one) ?? one),
    groups: (groupsOf.get(group.id) ?? []).map(view),
    pods: [],
  });
  return view(root.groups.get(id));
}

function byParent<T extends { id: string }>(all: T[]): Map<string, T[]> {
  const children = new Map<string, T[]>();
  for (const one of all) {
    if (one.id === '/') continue;
    const siblings = children.get(parentOf(one.id)) ?? [];
    siblings.push(one);
    children.set(parentOf(one.id), siblings);
  }
  return children;
}
