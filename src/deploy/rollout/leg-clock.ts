/** Notes when each leg of a deployment ends and the next begins. */
import type { Deployment, DeploymentStore } from '../../core/deployment.ts';
import { type Leg, type LegName, withLeg } from '../../core/timeline.ts';

export interface LegClock {
  /** Ends one leg and begins the next, once; what is done in several data centres, where it is first. */
  hand(from: LegName, to: LegName): Promise<void>;
  end(name: LegName): Promise<void>;
}

export function createLegClock(
  deployments: Pick<DeploymentStore, 'update'>,
  deployment: Deployment,
): LegClock {
  let legs: Leg[] = deployment.legs;

  async function close(name: LegName, next?: LegName): Promise<void> {
    const open = legs.find((leg) => leg.name === name);
    if (!open || open.end !== undefined) return;
    const now = Date.now();
    legs = withLeg(legs, { ...open, end: now });
    if (next) legs = withLeg(legs, { name: next, start: now });
    await deployments.update(deployment.id, { legs });
  }

  return { hand: close, end: (name) => close(name) };
}
