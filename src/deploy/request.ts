/** Turns a pushed image into the deployments that it is meant for. */
import { createHash } from 'node:crypto';
import type { Build, BuildStore } from '../core/build.ts';
import type { Deployment, DeploymentStore } from '../core/deployment.ts';
import { appIdOf } from './names.ts';

export interface RequestOptions {
  builds: BuildStore;
  deployments: DeploymentStore;
}

/** Records the deployments of a build's image and makes their apps follow them; answers their ids. */
export async function requestDeployments(
  { builds, deployments }: RequestOptions,
  build: string,
): Promise<string[]> {
  const found = await builds.find(build);
  const wanted = found ? deploymentsOf(found, Date.now()) : [];
  for (const deployment of wanted) {
    await deployments.create(deployment);
    await deployments.lead(deployment);
  }
  const ids = wanted.map((deployment) => deployment.id);
  await builds.update(build, { deployments: ids });
  return ids;
}

/** One deployment for each service in each environment; asked twice, the same ones. */
export function deploymentsOf(build: Build, now: number): Deployment[] {
  const { plan, image, projectPath } = build;
  if (!plan || !image || projectPath === undefined) return [];
  return plan.environments.flatMap((environment) =>
    plan.services.map((service) => ({
      id: idOf(build.id, environment, service.name),
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
    })),
  );
}

function idOf(...parts: string[]): string {
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 24);
}
