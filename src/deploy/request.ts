/** Turns a pushed image into the deployments that it is meant for. */
import { createHash } from 'node:crypto';
import type { Build, BuildStore } from '../core/build.ts';
import type { Deployment, DeploymentStore } from '../core/deployment.ts';
import { type EnvironmentSettingsStore, holdOf } from '../core/environment.ts';
import type { JourneyEvent } from '../core/event.ts';
import type { AppIds } from '../core/project.ts';
import { supersededBy } from '../core/ref.ts';
import { givenWayTo } from './deployer.ts';
import { endHeld } from './held.ts';
import { appIdOf } from './names.ts';
import { isRefused, type Refusing } from './rollout/verdict.ts';

export interface RequestOptions extends Refusing {
  builds: BuildStore;
  deployments: DeploymentStore;
  appIds: AppIds;
  environmentSettings: Pick<EnvironmentSettingsStore, 'find'>;
}

/**
 * Records the deployments of a build's image and makes their apps follow them; answers what is to be
 * handed on of each. Where the environment takes none now they are held, and apps follow what they did.
 */
export async function requestDeployments(
  options: RequestOptions,
  build: string,
): Promise<JourneyEvent[]> {
  const { builds, deployments, appIds } = options;
  const found = await builds.find(build);
  const wanted = found ? deploymentsOf(found, Date.now()) : [];
  const events: JourneyEvent[] = [];
  for (const each of wanted) {
    const app = await claimApp(appIds, each);
    // What will not be deployed ends nobody's deployment, nor waits for an environment.
    const isBad = await isRefused(options, { ...each, app });
    const held = isBad ? {} : await holding(options, each);
    const deployment = await deployments.create({ ...each, app, ...held });
    const { id, order: before, sha } = deployment;
    if (isBad) {
      events.push({ type: 'deployment.requested', deployment: id });
      continue;
    }
    events.push(...(await endHeld(deployments, { app, before, reason: supersededBy(sha) })));
    if (deployment.state === 'held') {
      events.push({ type: 'deployment.held', deployment: id });
    } else {
      await takeLead(deployments, deployment);
      events.push({ type: 'deployment.requested', deployment: id });
    }
  }
  await builds.update(build, { deployments: wanted.map(({ id }) => id) });
  return events;
}

async function takeLead(deployments: DeploymentStore, deployment: Deployment): Promise<void> {
  const before = await deployments.leader(deployment.app);
  const leader = await deployments.lead(deployment);
  if (before !== undefined && leader !== before) await endWaiting(deployments, before, deployment);
}

async function holding(
  { environmentSettings }: RequestOptions,
  { project, environment }: Deployment,
): Promise<Partial<Pick<Deployment, 'state' | 'reason'>>> {
  const settings = await environmentSettings.find(project, environment);
  const reason = holdOf(settings, environment, Date.now());
  return reason === undefined ? {} : { state: 'held', reason };
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
    request: build.id,
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
    deploy: plan.deploy,
    state: 'queued' as const,
    addresses: [],
    legs: [],
    createdAt: now,
  }));
}

function idOf(...parts: string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 24);
}
