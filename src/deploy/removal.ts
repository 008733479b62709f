/** Takes down what nobody wants any more: apps of a deleted branch, and of services that are gone. */
import type { GitLab } from '../clients/gitlab.ts';
import type { Marathon } from '../clients/marathon.ts';
import type { BuildStore } from '../core/build.ts';
import { type Deployment, type DeploymentStore, isOpen } from '../core/deployment.ts';
import type { RefDeleted } from '../core/event.ts';
import type { Log } from '../core/log.ts';
import type { AppIds } from '../core/project.ts';
import type { ReleaseStore, ScaleStore } from '../core/release.ts';
import { appsOfProject } from './apps.ts';

export interface RemovalOptions {
  gitlab: Pick<GitLab, 'head'>;
  marathon: Marathon;
  builds: BuildStore;
  deployments: DeploymentStore;
  releases: ReleaseStore;
  scales: ScaleStore;
  appIds: AppIds;
  locks: { exclusively: <T>(app: string, work: () => Promise<T>) => Promise<T> };
  install: string;
  log: Log;
}

/** Builds of a project among which those are that may still be on their way to Marathon. */
const recentBuilds = 100;

/** Deployments among which those are that are still on their way. */
const recentDeployments = 100;

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
  const { builds, deployments } = options;
  const running = await appsOfProject(options, project);
  const { items } = await builds.list(project, { limit: recentBuilds });
  const ids = items.filter((build) => build.ref === ref).flatMap((build) => build.deployments);
  const asked = await Promise.all(ids.map((id) => deployments.find(id)));
  const apps = asked.flatMap((deployment) => (deployment ? [deployment.app] : []));
  return new Set([...running.map((app) => app.id), ...apps]);
}

/**
 * Removes the apps of the deployment's environment whose service its commit no longer has, unless
 * they follow a newer commit, and those that its own service had under another id. Answers their ids.
 */
export async function removeLeftServices(options: RemovalOptions, id: string): Promise<string[]> {
  const { builds, deployments, log } = options;
  const deployment = await deployments.find(id);
  // Who goes back to an old commit did not ask for its services alone.
  const plan = deployment?.kind === 'push' && (await builds.find(deployment.build))?.plan;
  if (!deployment || !plan) return [];
  const wanted = new Set(plan.services.map((service) => service.name));
  const removed: string[] = [];
  for (const { id: app, labels } of await appsOfProject(options, deployment.project)) {
    if (labels['ekiden.environment'] !== deployment.environment || app === deployment.app) continue;
    const service = labels['ekiden.service'] ?? '';
    const isTwin = service === deployment.service.name;
    if (wanted.has(service) && !isTwin) continue;
    // Of a twin that no record knows, only its label tells that it is one.
    if (!((await isOlder(options, app, deployment)) ?? isTwin)) continue;
    await remove(options, app);
    removed.push(app);
    log.info({ app, sha: deployment.sha }, 'app removed: the commit has no such service');
  }
  return removed;
}

/** Undefined for an app of which no deployment is known. */
async function isOlder({ deployments }: RemovalOptions, app: string, than: Deployment) {
  const leader = await deployments.leader(app);
  const follows = leader === undefined ? undefined : await deployments.find(leader);
  return follows && follows.order < than.order;
}

/** Takes down all that runs for a project, or in one of its environments, as a person asked. */
export async function removeProject(
  options: Omit<RemovalOptions, 'gitlab' | 'builds'>,
  { project, environment, by }: { project: number; environment?: string; by: string },
): Promise<string[]> {
  const { deployments, log } = options;
  const running = (await appsOfProject(options, project))
    .filter(({ labels }) => !environment || labels['ekiden.environment'] === environment)
    .map(({ id }) => id);
  const paging = { limit: recentDeployments, ...(environment ? { environment } : {}) };
  const { items } = await deployments.list(project, paging);
  const onTheirWay = items.filter(isOpen).map(({ app }) => app);
  const apps = [...new Set([...running, ...onTheirWay])];
  for (const app of apps) {
    await remove(options, app);
    log.info({ app, by }, 'app removed: a person asked for it');
  }
  return apps;
}

/** Who is about to send a definition asks under the same lock whether the app still follows it. */
async function remove(options: Omit<RemovalOptions, 'gitlab' | 'builds'>, app: string) {
  const { marathon, deployments, releases, scales, appIds, locks } = options;
  await locks.exclusively(app, async () => {
    await marathon.deleteApp(app, { force: true });
    // Forgotten last: an app that follows no deployment is not found again after a crash.
    await releases.delete(app);
    await scales.forget(app);
    await appIds.release(app);
    await deployments.forget(app);
  });
}
