/** Watches the instances of a release until they are healthy, and then whether they stay so. */
import { setTimeout as delay } from 'node:timers/promises';
import type { MarathonApp, MarathonTask } from '../../clients/marathon.ts';
import { instancesFor } from './instances-for.ts';
import { isOursAt } from './places.ts';
import { progressOf } from './progress.ts';
import { isAway, lookEvery, type Site, Unwell } from './site.ts';

/** An instance that no check looks at counts once it has run for so long without dying. */
const defaultSettling = 3_000;

/** `ask` is asked at each look, and ends the wait by what it throws. @throws Unwell at the deadline, Overtaken. */
export async function awaitHealthy(
  site: Site,
  id: string,
  ask?: () => Promise<unknown>,
): Promise<void> {
  const hasSettled = createSettling(site);
  for (;;) {
    site.signal.throwIfAborted();
    await site.refuseOvertaken();
    await ask?.();
    const found = await site.look(id);
    const progress =
      found &&
      progressOf(found, { isOurs: isOursAt(site.place(), site.release, found), hasSettled });
    if (progress?.isRunning) await site.legs.hand('deploy', 'health');
    if (progress?.isHealthy) {
      await site.legs.hand('health', 'route');
      return;
    }
    if (site.isLate()) {
      throw new Unwell(`not healthy after ${site.deadline} s`, await site.explain(found));
    }
    await delay(lookEvery, undefined, { signal: site.signal });
  }
}

/** Answers whether what ends the watch before its time has come. */
export type Ends = () => Promise<boolean>;

export interface Hold {
  /** The app that is looked at. */
  app: string;
  /** How many of its instances have to stay healthy. */
  instances: number;
  /** Milliseconds since the place came into its state; undefined for as long as nobody says a word. */
  milliseconds: number | undefined;
  ends?: Ends;
}

/** Looks at instances that get requests. @throws Unwell once they are not well, Overtaken. */
export async function hold(site: Site, wanted: Hold): Promise<void> {
  const { app: id, milliseconds = Number.POSITIVE_INFINITY, ends } = wanted;
  const { since } = site.place();
  const isSick = createSickness(site, wanted.instances, await site.look(id));
  for (;;) {
    site.signal.throwIfAborted();
    await site.refuseOvertaken();
    const found = await site.look(id);
    if (isSick(found)) {
      await refuseTakenDown(site);
      throw new Unwell('an instance did not stay healthy', await site.explain(found));
    }
    if (Date.now() - since >= milliseconds || (await ends?.())) return;
    await delay(lookEvery, undefined, { signal: site.signal });
  }
}

/**
 * Looks at new instances that get requests while something else goes on, in those of the places that
 * `held` answers. Rejects when `signal` aborts. @throws Unwell once they are not well somewhere.
 */
export async function watch(held: () => readonly Site[], signal: AbortSignal): Promise<never> {
  const sickness = new Map<Site, ReturnType<typeof createSickness>>();
  const lookAt = async (site: Site) => {
    const found = await unlessAway(() => site.look(site.other()));
    if (found === away) return;
    const isSick = sickness.get(site) ?? createSickness(site, await instancesFor(site), found);
    sickness.set(site, isSick);
    // It may have gone on, or have given way, in between.
    if (!isSick(found) || !held().includes(site)) return;
    await refuseTakenDown(site);
    throw new Unwell('an instance did not stay healthy', await site.explain(found));
  };
  for (;;) {
    await Promise.all(held().map(lookAt));
    await delay(lookEvery, undefined, { signal });
  }
}

/** Whoever takes it over or down notes that under the lock, and maybe after the instances are gone. @throws Overtaken */
function refuseTakenDown(site: Site): Promise<void> {
  return site.asLeader(async () => undefined);
}

const away = Symbol('away');

/** Of a data centre that does not answer nothing is known, which is no fault of the release. */
async function unlessAway<T>(look: () => Promise<T>): Promise<T | typeof away> {
  try {
    return await look();
  } catch (error) {
    if (isAway(error)) return away;
    throw error;
  }
}

/**
 * Tells whether instances are not well: at once where one died or fails its checks. What is only not known
 * to be well has the deadline, since people restart and kill, and a new leader of Marathon knows no answers.
 */
function createSickness(site: Site, instances: number, first: MarathonApp | undefined) {
  const known = first?.lastTaskFailure?.taskId;
  let wellAt = Date.now();
  return (app: MarathonApp | undefined): boolean => {
    if (app === undefined) return true;
    const isOurs = isOursAt(site.place(), site.release, app);
    const { healthy, running } = progressOf(app, { isOurs, hasSettled: () => true });
    const failure = app.lastTaskFailure;
    const hasDied = failure && isOurs(failure.version) && failure.taskId !== known;
    if (hasDied || running.some(isFailing)) return true;
    // Somebody may have scaled it meanwhile.
    if (healthy.length >= Math.min(instances, app.instances)) wellAt = Date.now();
    return Date.now() - wellAt > site.deadline * 1000;
  };
}

/** Marathon counts no failure while an instance is within its grace period. */
function isFailing({ healthCheckResults }: MarathonTask): boolean {
  return healthCheckResults.some(
    ({ alive, consecutiveFailures }) => !alive && consecutiveFailures > 0,
  );
}

/** Counts from when each instance was first seen running, since clocks of hosts differ. */
export function createSettling({ options: { settling = defaultSettling } }: Site) {
  const firstSeen = new Map<string, number>();
  return ({ id }: MarathonTask) => {
    const since = firstSeen.get(id) ?? Date.now();
    firstSeen.set(id, since);
    return Date.now() - since >= settling;
  };
}
