/** Takes down what nobody wants any more: apps of a deleted branch, and of services that are gone. */
import type { GitLab } from '../clients/gitlab.ts';
import type { BuildStore } from '../core/build.ts';
import {
  type Deployment,
  type DeploymentStore,
  type Durations,
  isOpen,
} from '../core/deployment.ts';
import type { RefDeleted } from '../core/event.ts';
import type { Log } from '../core/log.ts';
import type { AppIds } from '../core/project.ts';
import type { ReleaseStore, ScaleStore } from '../core/release.ts';
import { serviceAppOf, type TrafficStore } from '../core/traffic.ts';
import { leaderOf } from './leader.ts';
import { type AppsOptions, appsOfProject, findApps } from './services/apps.ts';
import { type TakingDownOptions, takeDown } from './taking-down.ts';

export interface RemovalOptions extends TakingDownOptions {
  gitlab: Pick<GitLab, 'head'>;
  dataCentres: TakingDownOptions['dataCentres'] & AppsOptions['dataCentres'];
  builds: BuildStore;
  deployments: DeploymentStore;
  releases: ReleaseStore;
  scales: ScaleStore;
  appIds: AppIds;
  traffic: Pick<TrafficStore, 'save'>;
  durations?: Pick<Durations, 'forget'>;
  install: string;
  /** Ends the jobs of an app, of an environment or of a project, which is taken down. */
  endJobs?: (where: { app: string } | { project: number; environment?: string }) => Promise<void>;
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
  for (const [app, labels] of await appsOf(options, project, ref)) {
    const deployment = await leaderOf(deployments, app);
    // Of one whose records are gone, only its labels tell what it follows.
    const follows = deployment?.ref ?? labels['ekiden.ref'];
    const environment = deployment?.environment ?? labels['ekiden.environment'];
    if (follows !== ref || environment === 'production') continue;
    await remove(options, app);
    removed.push(app);
    log.info({ app, ref }, 'app removed with its branch');
  }
  return removed;
}

/** Apps of the project in Marathon with their labels, and those of the ref that may be sent there any moment. */
async function appsOf(
  options: RemovalOptions,
  project: number,
  ref: string,
): Promise<Map<string, Record<string, string>>> {
  const { builds, deployments } = options;
  const running = await appsOfProject(options, project);
  const { items } = await builds.list(project, { limit: recentBuilds });
  const ids = items.filter((build) => build.ref === ref).flatMap((build) => build.deployments);
  const asked = await Promise.all(ids.map((id) => deployments.find(id)));
  return new Map([
    ...asked.flatMap((deployment) => (deployment ? [[deployment.app, {}] as const] : [])),
    ...running.map(({ id, labels }) => [serviceAppOf(id), labels] as const),
  ]);
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
  const apps = await appsOfProject(options, deployment.project);
  // The same one may be in several data centres, and there twice.
  const byId = new Map(apps.map(({ id, labels }) => [serviceAppOf(id), labels]));
  for (const [app, labels] of byId) {
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
  const follows = await leaderOf(deployments, app);
  return follows && follows.order < than.order;
}

/** Takes down all that runs for a project, or in one of its environments, as a person asked. */
export async function removeProject(
  options: Omit<RemovalOptions, 'gitlab' | 'builds'>,
  { project, environment, by }: { project: number; environment?: string; by: string },
): Promise<string[]> {
  const { deployments, log, endJobs } = options;
  await endJobs?.({ project, ...(environment === undefined ? {} : { environment }) });
  const found = await findApps(options, project);
  const running = found.apps
    .filter(({ labels }) => !environment || labels['ekiden.environment'] === environment)
    .map(({ id }) => serviceAppOf(id));
  const paging = { limit: recentDeployments, ...(environment ? { environment } : {}) };
  const { items } = await deployments.list(project, paging);
  // What runs where nobody answers can only be known from what was sent there.
  const isMeant = (each: Deployment) => isOpen(each) || found.away.length > 0;
  const sent = items.filter(isMeant).map(({ app }) => app);
  const apps = [...new Set([...running, ...sent])];
  for (const app of apps) {
    await remove(options, app);
    log.info({ app, by }, 'app removed: a person asked for it');
  }
  return apps;
}

/** Who is about to send a definition asks under the same lock whether the app still follows it. */
async function remove(options: Omit<RemovalOptions, 'gitlab' | 'builds'>, app: string) {
  const { deployments, releases, scales, traffic, appIds, locks, endJobs } = options;
  await locks.exclusively(app, async () => {
    await endJobs?.({ app });
    await takeDown(options, app);
    // Forgotten last: an app that follows no deployment is not found again after a crash.
    await releases.delete(app);
    await scales.forget(app);
    await traffic.save(app, {});
    await options.durations?.forget(app);
    await appIds.release(app);
    await deployments.forget(app);
  });
}
