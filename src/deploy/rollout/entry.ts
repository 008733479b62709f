/** Begins a deployment in a data centre: finds what serves there, and clears away what an earlier one left. */
import type { MarathonApp } from '../../clients/marathon.ts';
import type { Place } from '../../core/deployment.ts';
import { otherAppOf, type Weights, weightIn } from '../../core/traffic.ts';
import { drainsItself } from '../operations/draining.ts';
import { appsAt, takeDown } from './giving.ts';
import { liveOf, releaseOf } from './live.ts';
import { refill } from './moving.ts';
import { progressOf, versionsOf } from './progress.ts';
import { awaitFree, awaitSwitched, share } from './shares.ts';
import type { Site } from './site.ts';
import { strategyFor } from './strategy-for.ts';

/** Does nothing where it was begun already; one that was away goes on where it stopped. */
export async function enter(site: Site): Promise<void> {
  const { strategy: begunWith, state } = site.place();
  if (state === 'away') await site.note({ state: stateOf(site.place()) });
  if (begunWith !== undefined) return;
  const apps = await appsAt(site);
  const weights = await site.options.traffic.find(site.service);
  const live = liveOf(apps, weights, site.dataCentre);
  const other = apps.find(({ id }) => id !== live);
  const serving = apps.find(({ id }) => id === live);
  if (serving && other) {
    if (await switchBack(site, serving, other)) return;
    if (isHalfMoved(site, weights, { serving, other })) {
      await refill(site, { from: other.id, to: serving.id, atLeast: other.instances });
    }
    await clearAway(site, serving.id);
  }
  // What had given way is whole again.
  const whole = serving && other ? await site.look(serving.id) : serving;
  const { kind: strategy } = strategyFor(site.deployment, whole);
  const beside = await besideAt(site, whole);
  const begun = { app: live ?? site.service, strategy, begun: Date.now() };
  await site.note(beside === undefined ? begun : { ...begun, beside });
}

/** What no balancer knows, or does not run, can be replaced as Marathon does it; what is there already stays. */
async function besideAt(site: Site, serving?: MarathonApp): Promise<number | undefined> {
  const { addresses } = site.deployment;
  if (!serving || serving.instances === 0 || addresses.length === 0) return undefined;
  if (releaseOf(serving) === site.release.number) return undefined;
  return (await drainsItself(site.marathon)) ? undefined : serving.instances;
}

/** The app that serves gave way to what was moved to, as far as that had no room beside it. */
function isHalfMoved(
  { dataCentre }: Site,
  weights: Weights,
  { serving, other }: { serving: MarathonApp; other: MarathonApp },
): boolean {
  const isServing = (weightIn(weights, { app: other.id, dataCentre }) ?? 0) > 0;
  return isServing && serving.instances < other.instances;
}

/** Where a place was before its data centre stopped to answer. */
function stateOf({ sent, trial, beside, strategy, held }: Place): Place['state'] {
  const isMoving = beside !== undefined && trial && (strategy === 'rolling' || held !== undefined);
  if (sent || isMoving) return 'rolling';
  return trial ? 'trial' : 'waiting';
}

/** The one that does not serve goes; it gets no requests, or shall get none. */
async function clearAway(site: Site, live: string): Promise<void> {
  await site.note({ app: live });
  await share(site, { live: 1, other: 0 });
  await awaitFree(site, site.other());
  await takeDown(site, site.other());
}

/** Who goes back while the instances of before are still there starts none anew. */
async function switchBack(site: Site, serving: MarathonApp, kept: MarathonApp): Promise<boolean> {
  const { deployment, release } = site;
  if (deployment.kind !== 'rollback' || releaseOf(kept) !== release.number) return false;
  const isOurs = versionsOf(kept, { release: release.number });
  const { isHealthy } = progressOf(kept, { isOurs, hasSettled: () => true });
  if (!isHealthy || kept.instances < serving.instances) return false;
  // From here on there is something to take back.
  await site.note({ app: kept.id, begun: Date.now() });
  await share(site, { live: 1, other: 0 });
  await awaitSwitched(site, { to: kept.id, from: serving.id });
  await takeDown(site, otherAppOf(kept.id));
  await site.note({ strategy: 'rolling' });
  return true;
}
