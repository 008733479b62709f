/** Deployments that wait until their environment takes them, of each app the newest. */
import type { Deployment, DeploymentStore } from '../core/deployment.ts';
import type { JourneyEvent } from '../core/event.ts';
import { supersededBy } from '../core/ref.ts';
import { isRefused, type Refusing } from './rollout/verdict.ts';

/** Ends what is held for the app and is older than `order`; nobody would wait for it any more. */
export async function endHeld(
  deployments: DeploymentStore,
  { app, before, reason }: { app: string; before: number; reason: string },
): Promise<JourneyEvent[]> {
  const events: JourneyEvent[] = [];
  for (const { id, order } of await heldOf(deployments, (each) => each.app === app)) {
    if (order >= before || !(await deployments.end(id, 'superseded', reason))) continue;
    events.push({ type: 'deployment.superseded', deployment: id });
  }
  return events;
}

export interface HeldOptions extends Refusing {
  deployments: DeploymentStore;
}

/**
 * Lets go on what was held in the environment: the newest of each app, unless a newer one was there since.
 * What has not worked meanwhile takes the place of nothing: its turn says that it is not deployed again.
 */
export async function releaseHeld(
  { deployments, releases }: HeldOptions,
  { project, environment }: Pick<Deployment, 'project' | 'environment'>,
): Promise<JourneyEvent[]> {
  const events: JourneyEvent[] = [];
  const held = await heldOf(
    deployments,
    (each) => each.project === project && each.environment === environment,
  );
  for (const each of held.toSorted((a, b) => b.order - a.order)) {
    if (await isRefused({ releases }, each)) {
      if (!(await deployments.release(each.id))) continue;
      events.push({ type: 'deployment.requested', deployment: each.id });
      continue;
    }
    const isNewest = (await deployments.lead(each)) === each.id;
    if (isNewest && (await deployments.release(each.id))) {
      events.push({ type: 'deployment.requested', deployment: each.id });
      const { app, order, sha } = each;
      const reason = supersededBy(sha);
      events.push(...(await endHeld(deployments, { app, before: order, reason })));
    } else if (await deployments.end(each.id, 'superseded', 'the app follows a newer commit')) {
      events.push({ type: 'deployment.superseded', deployment: each.id });
    }
  }
  return events;
}

/** Says of what is held in the environment why it is so now. */
export async function explainHeld(
  deployments: DeploymentStore,
  { project, environment }: Pick<Deployment, 'project' | 'environment'>,
  reason: string,
): Promise<void> {
  const held = await heldOf(
    deployments,
    (each) => each.project === project && each.environment === environment,
  );
  for (const { id } of held) await deployments.hold(id, reason);
}

/** Ends what is held of a ref, of an environment or of a whole project, which is taken down. */
export async function endHeldIn(
  deployments: DeploymentStore,
  where: { project: number; environment?: string; ref?: string },
): Promise<JourneyEvent[]> {
  const { project, environment, ref } = where;
  const held = await heldOf(
    deployments,
    (each) =>
      each.project === project &&
      (environment === undefined || each.environment === environment) &&
      (ref === undefined || each.ref === ref),
  );
  const events: JourneyEvent[] = [];
  for (const { id } of held) {
    if (!(await deployments.end(id, 'superseded', 'what it was for was taken down'))) continue;
    events.push({ type: 'deployment.superseded', deployment: id });
  }
  return events;
}

async function heldOf(
  deployments: DeploymentStore,
  isMeant: (deployment: Deployment) => boolean,
): Promise<Deployment[]> {
  const active = await Promise.all((await deployments.active()).map((id) => deployments.find(id)));
  return active.flatMap((each) => (each?.state === 'held' && isMeant(each) ? [each] : []));
}
