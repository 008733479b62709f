/** Moves a service from one of its apps to the other while both get requests. */
import type { Place } from '../../core/deployment.ts';
import type { ScaleStore } from '../../core/release.ts';
import { drained, victimsOf } from '../operations/draining.ts';
import { releaseOf } from './live.ts';
import { progressOf, versionsOf } from './progress.ts';
import type { Site } from './site.ts';
import { createSettling } from './supervision.ts';

export interface Move {
  /** Ids of apps. */
  from: string;
  to: string;
  /** How many healthy instances both are to have together. */
  atLeast: number;
}

const refillPatience = 60_000;

/** How many instances what gave way is to have again; what a person asked for meanwhile counts. */
export async function servedBefore(
  { scales }: { scales: Pick<ScaleStore, 'find'> },
  service: string,
  { beside = 0 }: Pick<Place, 'beside'>,
): Promise<number> {
  const scale = await scales.find(service);
  return Math.min(beside, scale?.instances ?? beside);
}

/**
 * Answers what to do at each look while `to` grows: where its instances find no room, as many of `from`
 * end as are healthy in their place.
 */
export function createRoomMaker(site: Site, { from, to, atLeast }: Move): () => Promise<void> {
  const healthyAt = createCount(site, to);
  return async () => {
    const found = await site.look(to);
    if (found === undefined || found.tasks.length >= found.instances) return;
    await shrink(site, from, Math.max(0, atLeast - (await healthyAt())));
  };
}

/** Has `to` grow back to what both are to have, and waits a while for that. */
export async function refill(site: Site, move: Move): Promise<void> {
  const { from, to, atLeast } = move;
  await stopGrowing(site, from);
  await grow(site, to, atLeast);
  const healthyAt = createCount(site, to);
  const makeRoom = createRoomMaker(site, move);
  const isFull = async () => {
    if ((await healthyAt()) >= atLeast) return true;
    await makeRoom();
    return false;
  };
  await site.until(isFull, { patience: refillPatience });
}

/** What is still to start there takes the room no more. */
async function stopGrowing(site: Site, id: string): Promise<void> {
  await site.asLeader(async () => {
    const app = await site.look(id);
    if (!app || app.tasks.length >= app.instances) return;
    await site.marathon.scale(id, app.tasks.length, { force: true });
  });
}

/** Starts those that the app lacks. */
export async function grow(site: Site, id: string, wanted: number): Promise<void> {
  await site.asLeader(async () => {
    const app = await site.look(id);
    if (app && app.instances < wanted) await site.marathon.scale(id, wanted, { force: true });
  });
}

/** How many instances of the app's own release are healthy, at each call. */
function createCount(site: Site, id: string): () => Promise<number> {
  const hasSettled = createSettling(site);
  return async () => {
    const app = await site.look(id);
    if (app === undefined) return 0;
    const isOurs = versionsOf(app, { release: releaseOf(app) });
    return progressOf(app, { isOurs, hasSettled }).healthy.length;
  };
}

/**
 * Ends those that are too many once balancers have taken them out. Where Marathon still waits for instances
 * of the app, it may wait for ever.
 */
async function shrink(site: Site, id: string, wanted: number): Promise<void> {
  const { options, service, marathon } = site;
  await site.asLeader(async () => {
    const app = await site.look(id);
    const victims = app && victimsOf(app, wanted);
    if (!victims) return;
    const kill = () => marathon.killTasks(victims, { scale: true, force: true });
    await drained(options, { app: service, instances: victims }, kill);
  });
}
