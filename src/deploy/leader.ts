/** Finds the deployment that an app follows. */
import type { Deployment, DeploymentStore } from '../core/deployment.ts';
import { isOpen } from '../core/deployment.ts';

export type Leads = Pick<DeploymentStore, 'leader' | 'find'>;

/** Undefined where nothing was deployed there, or it was taken down. */
export async function leaderOf(deployments: Leads, app: string): Promise<Deployment | undefined> {
  const leader = await deployments.leader(app);
  return leader === undefined ? undefined : deployments.find(leader);
}

/** The same, as long as it has not ended. */
export async function underWay(deployments: Leads, app: string): Promise<Deployment | undefined> {
  const leader = await leaderOf(deployments, app);
  return leader && isOpen(leader) ? leader : undefined;
}
