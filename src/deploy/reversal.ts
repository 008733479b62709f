/** Takes a release back that did not come up in time. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Deployment } from '../core/deployment.ts';
import type { Release, ReleaseStore, ScaleStore } from '../core/release.ts';
import { mask, secretValuesOf } from '../core/secret.ts';
import { versionsOf, whyNotHealthy } from './progress.ts';
import { definitionOf, instancesOf } from './sending.ts';
import { look, lookEvery, type SupervisionOptions } from './supervision.ts';

export interface ReversalOptions extends SupervisionOptions {
  releases: ReleaseStore;
  scales: ScaleStore;
  /** Runs work on one app while nobody else does. */
  exclusively: <T>(app: string, work: () => Promise<T>) => Promise<T>;
}

/** How long the way back may take before the failure is reported all the same. */
const reversalPatience = 60_000;

/**
 * Makes the last good release current again; without one, nothing is left of the attempt. Answers
 * the reason for the developer, or undefined when a newer deployment has taken the app over.
 */
export async function reverse(
  options: ReversalOptions,
  deployment: Deployment,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { marathon, deployments, releases } = options;
  const { id, app, deadline } = deployment;
  const why = deployment.reason ?? (await explain(options, deployment, signal));
  // Noted before anything changes: once the way back is taken, Marathon no longer shows it.
  await deployments.update(id, { reason: why });
  const good = await releases.lastGood(app);
  const isLeader = await options.exclusively(app, async () => {
    if ((await deployments.leader(app)) !== id) return false;
    if (good) await marathon.putApp(await backTo(options, good), { force: true });
    else await marathon.deleteApp(app, { force: true });
    return true;
  });
  if (!isLeader) return undefined;
  await awaitUnlocked(options, deployment, signal);
  const back = good ? `back to release ${good.number}` : 'taken down';
  return `not healthy after ${deadline} s, ${back}: ${why}`;
}

/** The number of instances is no part of what failed, so what somebody asked for stays. */
async function backTo({ scales }: ReversalOptions, good: Release) {
  return definitionOf(good, instancesOf(good.spec, await scales.find(good.app), 'rollback'));
}

async function explain(options: ReversalOptions, deployment: Deployment, signal: AbortSignal) {
  const found = await look(options, deployment.app, signal);
  return masked(options, deployment, whyNotHealthy(found, versionsOf(found, deployment)));
}

/** A text of Marathon or of a check without the secrets that the app was given, or is given back. */
export async function masked(
  { releases }: Pick<ReversalOptions, 'releases'>,
  { app, release }: Deployment,
  text: string,
): Promise<string> {
  const made = release === undefined ? undefined : await releases.find(app, release);
  const involved = [made, await releases.lastGood(app)].filter((each) => each !== undefined);
  return mask(text, involved.flatMap(secretValuesOf));
}

/** The next push shall find the app unlocked, and the old definition in force. */
async function awaitUnlocked(
  { marathon, deployments }: ReversalOptions,
  { id, app }: Deployment,
  signal: AbortSignal,
): Promise<void> {
  const giveUp = Date.now() + reversalPatience;
  while (Date.now() < giveUp && !signal.aborted) {
    const running = await marathon.deployments();
    if (!running.some((each) => each.affectedApps.includes(app))) return;
    if ((await deployments.leader(app)) !== id) return;
    await delay(lookEvery);
  }
}
