/** Watches a deployment until its instances are healthy and get requests, or its time is up. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Marathon, MarathonApp, MarathonTask } from '../clients/marathon.ts';
import type { Deployment, DeploymentStore } from '../core/deployment.ts';
import { RemoteError } from '../core/errors.ts';
import { type Leg, type LegName, withLeg } from '../core/timeline.ts';
import { progressOf, versionsOf } from './progress.ts';

export interface SupervisionOptions {
  marathon: Marathon;
  deployments: DeploymentStore;
  /** True once every balancer sends requests to these instances of the app, or there is none. */
  isRouted: (app: string, instances: string[]) => Promise<boolean>;
  /** Milliseconds that balancers may take to follow. */
  routePatience?: number;
  /** Milliseconds after which an instance without a check is believed in. */
  settling?: number;
}

/** Milliseconds between looks; Marathon's events are only hints, and this is one small answer. */
export const lookEvery = 200;

const defaultRoutePatience = 15_000;

/** An instance that no check looks at counts once it has run for so long without dying. */
const defaultSettling = 3_000;

export type Outcome = 'healthy' | 'late' | 'superseded';

export async function watch(
  options: SupervisionOptions,
  deployment: Deployment,
  signal: AbortSignal,
): Promise<Outcome> {
  const { deployments } = options;
  const { id, app, deadline } = deployment;
  const start = deployment.legs.find((leg) => leg.name === 'deploy')?.start ?? Date.now();
  const legs = createLegClock(options, deployment);
  const hasSettled = createSettling(options);
  for (;;) {
    signal.throwIfAborted();
    if ((await deployments.leader(app)) !== id) return 'superseded';
    const found = await look(options, app, signal);
    const isOurs = versionsOf(found, deployment);
    const progress = found && progressOf(found, { isOurs, hasSettled });
    if (progress?.isRunning) await legs.hand('deploy', 'health');
    if (progress?.isHealthy) {
      await legs.hand('health', 'route');
      return 'healthy';
    }
    if (Date.now() - start > deadline * 1000) return 'late';
    await delay(lookEvery);
  }
}

/** Waits until the new instances get requests; false when no balancer has followed in time. */
export async function awaitRoute(
  options: SupervisionOptions,
  sent: Deployment,
  signal: AbortSignal,
): Promise<boolean> {
  const { deployments, isRouted, routePatience = defaultRoutePatience } = options;
  const giveUp = Date.now() + routePatience;
  while (sent.addresses.length > 0) {
    signal.throwIfAborted();
    const app = await look(options, sent.app, signal);
    const isOurs = versionsOf(app, sent);
    const hasSettled = () => true;
    const healthy = app ? progressOf(app, { isOurs, hasSettled }).healthy : [];
    if (
      await isRouted(
        sent.app,
        healthy.map((task) => task.id),
      )
    )
      break;
    if (Date.now() > giveUp) return false;
    await delay(lookEvery / 4);
  }
  const { legs } = (await deployments.find(sent.id)) ?? sent;
  const route = legs.find((leg) => leg.name === 'route');
  const ended = route && withLeg(legs, { ...route, end: Date.now() });
  if (ended) await deployments.update(sent.id, { legs: ended });
  return true;
}

/** What Marathon shows of the app. It can refuse a definition for good, but never a look at one. */
export async function look(
  { marathon }: SupervisionOptions,
  app: string,
  signal: AbortSignal,
): Promise<MarathonApp | undefined> {
  try {
    return await marathon.app(app, { signal });
  } catch (error) {
    if (!(error instanceof RemoteError) || error.retryable) throw error;
    throw new RemoteError(error.message, { code: error.code, cause: error });
  }
}

/** Counts from when each instance was first seen running, since clocks of hosts differ. */
function createSettling({ settling = defaultSettling }: SupervisionOptions) {
  const firstSeen = new Map<string, number>();
  return ({ id }: MarathonTask) => {
    const since = firstSeen.get(id) ?? Date.now();
    firstSeen.set(id, since);
    return Date.now() - since >= settling;
  };
}

/** Ends one leg and begins the next, once. */
function createLegClock({ deployments }: SupervisionOptions, deployment: Deployment) {
  let legs: Leg[] = deployment.legs;
  return {
    async hand(from: LegName, to: LegName) {
      const open = legs.find((leg) => leg.name === from);
      if (!open || open.end !== undefined) return;
      const now = Date.now();
      legs = withLeg(withLeg(legs, { ...open, end: now }), { name: to, start: now });
      await deployments.update(deployment.id, { legs });
    },
  };
}
