/** Turns a pushed image into the deployments that it is meant for. */
import { createHash } from 'node:crypto';
import type { Build, BuildStore } from '../core/build.ts';
import type { Deployment, DeploymentStore } from '../core/deployment.ts';
import type { AppIds } from '../core/project.ts';
import { givenWayTo } from './deployer.ts';
import { appIdOf } from './names.ts';

export interface RequestOptions {
  builds: BuildStore;
  deployments: DeploymentStore;
  appIds: AppIds;
}

/** Records the deployments of a build's image and makes their apps follow them; answers their ids. */
export async function requestDeployments(
  { builds, deployments, appIds }: RequestOptions,
  build: string,
): Promise<string[]> {
  const found = await builds.find(build);
  const wanted = found ? deploymentsOf(found, Date.now()) : [];
  for (const each of wanted) {
    const deployment = { ...each, app: await claimApp(appIds, each) };
    const before = await deployments.leader(deployment.app);
    await deployments.create(deployment);
    const leader = await deployments.lead(deployment);
    if (before !== undefined && leader !== before)
      await endWaiting(deployments, before, deployment);
  }
  const ids = wanted.map((deployment) => deployment.id);
  await builds.update(build, { deployments: ids });
  return ids;
}

/**
 * Ends a deployment that waits for its turn, now that its app follows another one; true when it did. A
 * crash may have kept it from the queue, and then nobody else would.
 */
export async function endWaiting(
  deployments: DeploymentStore,
  id: string,
  other: Deployment,
): Promise<boolean> {
  const waiting = await deployments.find(id);
  if (waiting?.state !== 'queued') return false;
  return deployments.end(id, 'superseded', givenWayTo(other));
}

/** The id of the app that the deployment is for: the one it has, whatever its project is called now. */
export function claimApp(appIds: AppIds, deployment: Deployment): Promise<string> {
  const { project, environment, service, app } = deployment;
  return appIds.claim({ project, environment, service: service.name, wanted: app });
}

/** One deployment for each service in each environment; asked twice, the same ones. */
export function deploymentsOf(build: Build, now: number): Deployment[] {
  const { plan, image, projectPath } = build;
  if (!plan || !image || projectPath === undefined) return [];
  return plan.environments.flatMap((environment) => deploymentsIn(environment, build, now));
}

/** One deployment for each service of the build in that environment. */
export function deploymentsIn(environment: string, build: Build, now: number): Deployment[] {
  const { plan, image, projectPath } = build;
  if (!plan || !image || projectPath === undefined) return [];
  return plan.services.map((service) => ({
    id: idOf(build.id, environment, service.name),
    kind: 'push' as const,
    ...(build.by === undefined ? {} : { by: build.by }),
    build: build.id,
    project: build.project,
    projectPath,
    ref: build.ref,
    sha: build.sha,
    environment,
    service,
    serviceCount: plan.services.length,
    app: appIdOf({ projectPath, environment, service: service.name }),
    order: build.order ?? 0,
    image,
    fragments: plan.fragments,
    deadline: plan.deadline,
    state: 'queued' as const,
    addresses: [],
    legs: [],
    createdAt: now,
  }));
}

function idOf(...parts: string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 24);
}
