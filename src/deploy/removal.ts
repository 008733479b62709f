/** Takes down what nobody wants any more: apps of a deleted branch, and of services that are gone. */
import type { GitLab } from '../clients/gitlab.ts';
import type { Marathon } from '../clients/marathon.ts';
import type { BuildStore } from '../core/build.ts';
import type { DeploymentStore } from '../core/deployment.ts';
import type { RefDeleted } from '../core/event.ts';
import type { Log } from '../core/log.ts';
import type { ReleaseStore } from '../core/release.ts';

export interface RemovalOptions {
  gitlab: Pick<GitLab, 'head'>;
  marathon: Marathon;
  builds: BuildStore;
  deployments: DeploymentStore;
  releases: ReleaseStore;
  locks: { exclusively: <T>(app: string, work: () => Promise<T>) => Promise<T> };
  install: string;
  log: Log;
}

/** Builds of a project among which those are that may still be on their way to Marathon. */
const recentBuilds = 100;

/**
 * Removes the apps that follow the ref, unless GitLab shows the ref again. Production stays: a
 * deleted branch is often a renamed one, and nobody deletes what users use by deleting a branch.
 */
export async function removeAppsOf(
  options: RemovalOptions,
  { project, ref }: RefDeleted,
): Promise<string[]> {
  const { gitlab, deployments, log } = options;
  if ((await gitlab.head(project, ref)) !== undefined) return [];
  const removed: string[] = [];
  for (const app of await appsOf(options, project, ref)) {
    const leader = await deployments.leader(app);
    const deployment = leader === undefined ? undefined : await deployments.find(leader);
    if (deployment?.ref !== ref || deployment.environment === 'production') continue;
    await remove(options, app);
    removed.push(app);
    log.info({ app, ref }, 'app removed with its branch');
  }
  return removed;
}

/** Apps of the project in Marathon, and those of the ref that may be sent there any moment. */
async function appsOf(options: RemovalOptions, project: number, ref: string): Promise<Set<string>> {
  const { marathon, builds, deployments, install } = options;
  const label = `ekiden.install==${install},ekiden.project==${project}`;
  const running = await marathon.apps({ label });
  const recent = (await builds.list(project, recentBuilds)).filter((build) => build.ref === ref);
  const ids = recent.flatMap((build) => build.deployments);
  const asked = await Promise.all(ids.map((id) => deployments.find(id)));
  const apps = asked.flatMap((deployment) => (deployment ? [deployment.app] : []));
  return new Set([...running.map((app) => app.id), ...apps]);
}

/**
 * Removes the apps of the deployment's environment whose service its commit no longer has, unless
 * they follow a newer commit. Answers their ids.
 */
export async function removeLeftServices(options: RemovalOptions, id: string): Promise<string[]> {
  const { marathon, builds, deployments, install, log } = options;
  const deployment = await deployments.find(id);
  const plan = deployment && (await builds.find(deployment.build))?.plan;
  if (!deployment || !plan) return [];
  const wanted = new Set(plan.services.map((service) => service.name));
  const label = `ekiden.install==${install},ekiden.project==${deployment.project}`;
  const removed: string[] = [];
  for (const { id: app, labels } of await marathon.apps({ label })) {
    if (labels['ekiden.environment'] !== deployment.environment) continue;
    if (wanted.has(labels['ekiden.service'] ?? '')) continue;
    const leader = await deployments.leader(app);
    const follows = leader === undefined ? undefined : await deployments.find(leader);
    if (!follows || follows.order >= deployment.order) continue;
    await remove(options, app);
    removed.push(app);
    log.info({ app, sha: deployment.sha }, 'app removed: its service is gone from the manifest');
  }
  return removed;
}

/** Who is about to send a definition asks under the same lock whether the app still follows it. */
async function remove({ marathon, deployments, releases, locks }: RemovalOptions, app: string) {
  await locks.exclusively(app, async () => {
    await marathon.deleteApp(app, { force: true });
    // Forgotten last: an app that follows no deployment is not found again after a crash.
    await releases.delete(app);
    await deployments.forget(app);
  });
}
