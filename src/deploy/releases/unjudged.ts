/** A deployment in place of one whose record is lost, so that its release is judged late as one that was overtaken. */
import { createHash } from 'node:crypto';
import type { Deployment, DeploymentStore } from '../../core/deployment.ts';
import type { Release } from '../../core/release.ts';

/** Makes the app follow it, unless that follows another one; any push after it goes on. */
export async function followUnjudged(
  deployments: Pick<DeploymentStore, 'leader' | 'create' | 'lead'>,
  release: Release,
): Promise<void> {
  if ((await deployments.leader(release.app)) !== undefined) return;
  await deployments.lead(await deployments.create(lostDeploymentOf(release)));
}

/** It has ended: nobody goes on with it, and whoever watched it under its own id finds another one here. */
export function lostDeploymentOf(release: Release): Deployment {
  const { app, number, project, projectPath, environment, ref, sha, build, spec } = release;
  const id = createHash('sha256').update(`lost\n${app}\n${number}`).digest('hex').slice(0, 24);
  return {
    ...{ id, kind: 'push', build, project, projectPath, ref, sha, environment, app },
    ...{ service: spec, serviceCount: release.serviceCount, deploy: release.deploy },
    ...{ image: release.image, fragments: release.fragments, release: number },
    request: release.request ?? build,
    // The order of commits is lost as well, and begins anew above it.
    order: 0,
    state: 'superseded',
    reason: 'its record was lost; its release is judged by how it runs',
    ...{ addresses: [], legs: [], createdAt: release.createdAt },
  };
}
