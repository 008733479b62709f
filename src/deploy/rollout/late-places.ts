/** What the last deployment of a service says of a data centre that did not answer while it was at work. */
import type { PlacedApp } from '../../clients/data-centres.ts';
import { isOpen, type Place } from '../../core/deployment.ts';
import { serviceAppOf } from '../../core/traffic.ts';
import { leaderOf } from '../leader.ts';
import type { CatchingUpOptions, There } from './behind.ts';

type Deployments = Pick<CatchingUpOptions, 'deployments'>;

/** What a deployment that succeeded without it says of a data centre, until that has followed. */
export function warningOf({ dataCentre, reason }: Pick<Place, 'dataCentre' | 'reason'>): string {
  return `${dataCentre} does not answer, and follows once it does: ${reason}`;
}

/** True where the deployment that ended still calls the data centre of the apps away. */
export async function isAwayNoted(
  { deployments }: Deployments,
  [first]: readonly PlacedApp[],
): Promise<boolean> {
  if (first === undefined) return false;
  const { places = [] } = (await leaderOf(deployments, serviceAppOf(first.id))) ?? {};
  return places.some(
    ({ dataCentre, state }) => dataCentre === first.dataCentre && state === 'away',
  );
}

/** Says that what could not be done there is done now, or why not yet; nothing where it was never away. */
export async function noteThere(
  { deployments }: Deployments,
  { service, dataCentre }: There,
  reason?: string,
): Promise<void> {
  const leader = await leaderOf(deployments, service);
  if (!leader?.places || isOpen(leader)) return;
  const place = leader.places.find((each) => each.dataCentre === dataCentre);
  if (place?.state !== 'away' || place.reason === reason) return;
  const { reason: _, ...rest } = place;
  const state = leader.state === 'failed' ? 'returned' : 'done';
  const now: Place =
    reason === undefined ? { ...rest, state, since: Date.now() } : { ...rest, reason };
  const places = leader.places.map((each) => (each === place ? now : each));
  const isDone = reason === undefined;
  const about = warningOf({ dataCentre, reason: '' });
  const warnings = leader.warnings?.filter((each) => !(isDone && each.startsWith(about)));
  await deployments.update(leader.id, { places, ...(warnings ? { warnings } : {}) });
}
