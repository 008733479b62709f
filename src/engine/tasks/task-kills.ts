/** Kills tasks on request: to be started again, with a new instance instead, or for good. */
import { ApiError } from '../api/api-error.ts';
import type { AppWrites } from '../apps/app-writes.ts';
import type { DeploymentResult } from '../deployments/deployments.ts';
import type { Reconciler } from '../deployments/reconciler.ts';
import type { Cluster, Instance } from '../state/cluster.ts';
import type { Terminator } from './terminator.ts';

export interface KillMode {
  /** Want one instance fewer for each killed one. */
  scale: boolean;
  /** Start new instances instead of relaunching the killed ones. */
  wipe: boolean;
  force: boolean;
}

interface TaskKillsOptions {
  cluster: Cluster;
  writes: AppWrites;
  terminator: Terminator;
  reconciler: Reconciler;
}

export type KillTasks = (instances: Instance[], mode: KillMode) => DeploymentResult | undefined;

/** The returned function answers with a deployment when it scales. */
export function createKillTasks(options: TaskKillsOptions): KillTasks {
  const { cluster, writes, terminator, reconciler } = options;
  return (instances, mode) => {
    if (mode.scale && mode.wipe) {
      throw new ApiError(400, 'You cannot use scale and wipe at the same time.');
    }
    if (mode.scale) {
      const living = instances.filter(({ goal }) => goal === 'Running');
      const result = writes.scaleDownBy(living, mode.force);
      for (const instance of living) reconciler.decommission(instance);
      return result;
    }
    for (const instance of instances) {
      if (mode.wipe) reconciler.decommission(instance);
      else terminator.kill(instance);
      cluster.changed(instance.appId);
    }
    return undefined;
  };
}
