/** How the cluster's records are written to and read from the store. */
import { createHash } from 'node:crypto';
import { safePath } from './app-id.ts';
import {
  type AppRecord,
  type Cluster,
  createCluster,
  type Deployment,
  type Instance,
} from './cluster.ts';
import type { Store } from './store.ts';

const DEPLOYMENTS = '_deployments';

interface SavedApp extends Omit<AppRecord, 'instances'> {
  instances: Instance[];
}

/** Reads the last state and keeps the store in step with every later change. */
export async function openCluster(store: Store): Promise<Cluster> {
  const cluster = createCluster((change) => {
    if (change === 'deployments') {
      store.save(DEPLOYMENTS, () => [...cluster.deployments.values()]);
    } else {
      store.save(documentName(change.id), () => savedApp(cluster, change.id));
    }
  });
  for (const [name, document] of await store.load()) {
    if (name === DEPLOYMENTS) {
      for (const one of document as Deployment[]) cluster.deployments.set(one.id, one);
    } else {
      const { instances, ...rest } = document as SavedApp;
      const byId = new Map(instances.map((instance) => [instance.id, instance]));
      cluster.records.set(rest.id, { ...rest, instances: byId });
    }
  }
  return cluster;
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
