/** Decides which of the two apps that a service may have is the one that serves; a function of data. */
import type { MarathonApp } from '../../clients/marathon.ts';
import { serviceAppOf, type Weights, weightIn } from '../../core/traffic.ts';

export type Candidate = Pick<MarathonApp, 'id' | 'labels' | 'instances'>;

/**
 * The app that serves, of those that a service has in one data centre: the one that gets requests, or
 * where nothing says which, the older release, since nobody has said yet that the newer one works.
 */
export function liveOf(
  apps: readonly Candidate[],
  weights: Weights,
  dataCentre?: string,
): string | undefined {
  const [one, other] = apps;
  if (one === undefined || other === undefined) return one?.id;
  const [first, second] = [one, other].map(({ id }) => weightIn(weights, { app: id, dataCentre }));
  if (first === 0 && second !== 0) return other.id;
  if (second === 0 && first !== 0) return one.id;
  return isSenior(one, other) ? one.id : other.id;
}

/** Of one release, as while a canary is followed by the others, the app that is whole. */
function isSenior(one: Candidate, other: Candidate): boolean {
  const [left, right] = [releaseOf(one), releaseOf(other)];
  if (left !== right) return left < right;
  if (one.instances !== other.instances) return one.instances > other.instances;
  return one.id === serviceAppOf(one.id);
}

/** Number of the release that an app has. */
export function releaseOf({ labels }: Pick<MarathonApp, 'labels'>): number {
  return Number(labels['ekiden.release'] ?? 0);
}
