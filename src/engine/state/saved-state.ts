/** How the cluster's records are written to and read from the store. */
import { createHash } from 'node:crypto';
import { safePath } from '../apps/app-id.ts';
import { ancestorsOf, emptyGroup, type Group } from '../groups/group.ts';
import {
  type AppRecord,
  type Cluster,
  createCluster,
  type Deployment,
  type Instance,
  type Part,
} from './cluster.ts';
import type { Replaced } from './root-history.ts';
import type { Store } from './store.ts';

/** No app's document begins with an underscore. */
const PARTS = { deployments: '_deployments', groups: '_groups', history: '_history' };

interface SavedGroups {
  version?: string;
  groups: Group[];
}

interface SavedApp extends Omit<AppRecord, 'instances'> {
  instances: Instance[];
}

/** Reads the last state and keeps the store in step with every later change. */
export async function openCluster(store: Store): Promise<Cluster> {
  const cluster = createCluster((change) => {
    if (typeof change === 'string') store.save(PARTS[change], () => savedPart(cluster, change));
    else store.save(documentName(change.id), () => savedApp(cluster, change.id));
  });
  for (const [name, document] of await store.load()) take(cluster, name, document);
  // A state of an engine that kept no groups has those of its apps' ids.
  for (const id of [...cluster.apps().keys()].flatMap(ancestorsOf)) {
    if (!cluster.groups.has(id)) cluster.groups.set(id, emptyGroup(id));
  }
  return cluster;
}

function take(cluster: Cluster, name: string, document: unknown): void {
  if (name === PARTS.deployments) {
    for (const one of document as Deployment[]) cluster.deployments.set(one.id, one);
  } else if (name === PARTS.groups) {
    const { version, groups } = document as SavedGroups;
    if (version !== undefined) cluster.groupsVersion = version;
    for (const group of groups) cluster.groups.set(group.id, group);
  } else if (name === PARTS.history) {
    cluster.history.push(...(document as Replaced[]));
  } else {
    const { instances, ...rest } = document as SavedApp;
    const byId = new Map(instances.map((instance) => [instance.id, instance]));
    cluster.records.set(rest.id, { ...rest, instances: byId });
  }
}

function savedPart(cluster: Cluster, part: Part): unknown {
  if (part === 'deployments') return [...cluster.deployments.values()];
  if (part === 'history') return cluster.history;
  return { version: cluster.groupsVersion, groups: [...cluster.groups.values()] };
}

function savedApp(cluster: Cluster, id: string): SavedApp | undefined {
  const held = cluster.records.get(id);
  return held && { ...held, instances: [...held.instances.values()] };
}

/** File names have a limit that app ids do not have. */
function documentName(id: string): string {
  const name = safePath(id);
  if (name.length <= 200) return name;
  return `${name.slice(0, 150)}_${createHash('sha256').update(id).digest('hex')}`;
}
