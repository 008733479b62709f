/** Gives Marathon a definition, and takes an app away from it. */
import { setTimeout as delay } from 'node:timers/promises';
import { AppLockedError, type MarathonApp } from '../../clients/marathon.ts';
import { isRefusedUntouched } from '../../clients/marathon-errors.ts';
import type { Sent } from '../../core/deployment.ts';
import { ConflictError, messageOf } from '../../core/errors.ts';
import type { Release } from '../../core/release.ts';
import { otherAppOf, serviceAppOf } from '../../core/traffic.ts';
import { releaseOf } from './live.ts';
import { defaultSwitchPatience } from './shares.ts';
import { type Site, Unwell } from './site.ts';

const defaultLockPatience = 30_000;

/** Milliseconds between tries while Marathon keeps the app locked. */
const lockedPause = 1_000;

export interface Given {
  release: Release;
  /** Id of the app that gets it. */
  app: string;
  instances: number;
}

/** Makes the app that of the release, once; an app that is so already, as after a lost answer, stays. */
export async function give(site: Site, { release, app, instances }: Given): Promise<Sent> {
  await awaitOthers(site, app);
  return untilTaken(site, async () => {
    const found = await site.look(app);
    // Marathon would stop its deployment half way if it were given the same definition by force.
    if (found && releaseOf(found) === release.number) {
      return { version: found.version, deployment: found.deployments[0]?.id ?? '' };
    }
    // Whatever still goes on there belongs to a commit that this one replaces.
    const definition = { ...release.definition, id: app, instances };
    const { version, deploymentId } = await site.marathon.putApp(definition, { force: true });
    return { version, deployment: deploymentId };
  });
}

/** Ends an app whose instances get no requests any more, and waits until it is gone. */
export async function takeDown(site: Site, app: string): Promise<void> {
  await untilTaken(site, () => site.marathon.deleteApp(app, { force: true }));
  await site.until(async () => (await site.look(app)) === undefined, {
    patience: site.options.switchPatience ?? defaultSwitchPatience,
  });
}

/** A deployment that also changes apps of others is no business of ours, until it takes too long. */
async function awaitOthers(site: Site, app: string): Promise<void> {
  const own = new Set([serviceAppOf(app), otherAppOf(serviceAppOf(app))]);
  const isHeld = async () =>
    (await site.marathon.deployments()).some(
      ({ affectedApps }) =>
        affectedApps.includes(app) && !affectedApps.every((each) => own.has(each)),
    );
  await site.until(async () => !(await isHeld()), {
    patience: site.options.lockPatience ?? defaultLockPatience,
  });
}

/** Marathon refuses even by force while it has too many deployments, or has one lock the app for good. */
async function untilTaken<T>(site: Site, write: () => Promise<T>): Promise<T> {
  // The way back begins when the deadline has passed.
  const asked = Date.now();
  const giveUp = asked + (site.options.lockPatience ?? defaultLockPatience);
  for (let hasWaited = false; ; hasWaited = true) {
    try {
      const taken = await site.asLeader(write);
      if (hasWaited) await noteWaiting(site, '');
      return taken;
    } catch (error) {
      if (!(error instanceof AppLockedError || isRefusedUntouched(error))) throw error;
      if (Date.now() > giveUp) refuseLate(site, asked, messageOf(error));
      await noteWaiting(site, messageOf(error));
    }
    await delay(lockedPause, undefined, { signal: site.signal });
  }
}

/** @throws Unwell once its time is up; ConflictError where nothing began that could be taken back. */
function refuseLate(site: Site, asked: number, why: string): void {
  const { deadline } = site;
  if (site.isLate()) throw new Unwell('Marathon took nothing in time', why);
  if (site.place().begun !== undefined || Date.now() - asked <= deadline * 1000) return;
  throw new ConflictError(
    `what an earlier deployment left could not be cleared away in ${deadline} s: ${why}`,
    { code: 'E_MARATHON_LOCKED', hint: 'Wait for what holds the app in Marathon, or cancel it.' },
  );
}

async function noteWaiting(site: Site, why: string): Promise<void> {
  const { deployment, options, dataCentre } = site;
  const isOneOfMany = (deployment.places ?? []).length > 1;
  const waiting = isOneOfMany && why !== '' ? `${dataCentre}: ${why}` : why;
  await options.deployments.update(deployment.id, { waiting });
}

/** The apps that the service has there: its own, and the one beside it. */
export async function appsAt(site: Site): Promise<MarathonApp[]> {
  const ids = [site.service, otherAppOf(site.service)];
  const found = await Promise.all(ids.map((id) => site.look(id)));
  return found.flatMap((app) => app ?? []);
}
