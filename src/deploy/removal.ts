/** Takes down what a branch or tag had after it was deleted. */
import type { Marathon } from '../clients/marathon.ts';
import type { DeploymentStore } from '../core/deployment.ts';
import type { RefDeleted } from '../core/event.ts';
import type { Log } from '../core/log.ts';
import type { ReleaseStore } from '../core/release.ts';

export interface RemovalOptions {
  marathon: Marathon;
  deployments: DeploymentStore;
  releases: ReleaseStore;
  install: string;
  log: Log;
}

/**
 * Removes the apps that follow the ref. Production stays: a deleted branch is often a renamed
 * one, and nobody deletes what users use by deleting a branch.
 */
export async function removeAppsOf(
  { marathon, deployments, releases, install, log }: RemovalOptions,
  { project, ref }: RefDeleted,
): Promise<string[]> {
  const label = `ekiden.install==${install},ekiden.project==${project}`;
  const removed: string[] = [];
  for (const app of await marathon.apps({ label })) {
    const leader = await deployments.leader(app.id);
    const deployment = leader === undefined ? undefined : await deployments.find(leader);
    if (deployment?.ref !== ref || deployment.environment === 'production') continue;
    await deployments.forget(app.id);
    await marathon.deleteApp(app.id, { force: true });
    await releases.delete(app.id);
    removed.push(app.id);
    log.info({ app: app.id, ref }, 'app removed with its branch');
  }
  return removed;
}
