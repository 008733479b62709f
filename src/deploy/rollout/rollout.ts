/** Brings a release to its data centres, one after the other or all at once. */
import type { DataCentres } from '../../clients/data-centres.ts';
import type { Deployment, DeploymentStore } from '../../core/deployment.ts';
import { messageOf, RemoteError } from '../../core/errors.ts';
import type { Release } from '../../core/release.ts';
import { strategyAt } from '../strategies/index.ts';
import { enter } from './entry.ts';
import { createLegClock } from './leg-clock.ts';
import { openPlaces } from './places.ts';
import { createSite, isAway, Overtaken, type Site, type SiteOptions, Unwell } from './site.ts';
import { watch } from './supervision.ts';

export interface RolloutOptions extends SiteOptions {
  deployments: DeploymentStore;
  dataCentres: Pick<DataCentres, 'find' | 'defaults'>;
}

export interface Rollout {
  /** In the order of the rollout. */
  sites: readonly Site[];
  /** Resolves once the release answers the requests; false where no balancer has followed. */
  bring(): Promise<boolean>;
  /** Ends what was kept to go back at once. */
  settle(): Promise<void>;
  /**
   * Looks, while something else goes on, at what has the requests already; rejects when the signal aborts.
   * @throws Unwell, Overtaken
   */
  watch(until: AbortSignal): Promise<never>;
}

export function createRollout(
  options: RolloutOptions,
  deployment: Deployment,
  { release, deadline, signal }: { release: Release; deadline: number; signal: AbortSignal },
): Rollout {
  const stop = new AbortController();
  const book = openPlaces(options.deployments, deployment);
  const legs = createLegClock(options.deployments, deployment);
  const sitesWith = (aborted: AbortSignal) =>
    book.all().map(({ dataCentre: name }) => {
      const dataCentre = options.dataCentres.find(name);
      const shared = { options, deployment, release, deadline, book, legs };
      return createSite({ ...shared, dataCentre, signal: aborted });
    });
  const working = sitesWith(AbortSignal.any([signal, stop.signal]));

  const { order } = deployment.deploy;
  const everywhere = <T>(step: (site: Site) => Promise<T>) =>
    stepEverywhere({ sites: working, order, stop }, step);

  return {
    // What stopped the others must not stop their way back.
    sites: sitesWith(signal),
    async bring() {
      const routed = await everywhere((site) => unlessAway(working, site, () => bringTo(site)));
      refuseAllAway(working);
      const isRouted = routed.every((each) => each !== false);
      if (isRouted) await legs.end('route');
      return isRouted;
    },
    async settle() {
      await everywhere((site) => unlessAway(working, site, () => settleAt(site)));
    },
    watch: (until) => watch(() => working.filter(isHeld), until),
  };
}

interface Steps {
  sites: readonly Site[];
  order: Deployment['deploy']['order'];
  /** Stops the others once one fails. */
  stop: AbortController;
}

/** Runs a step at every place, in turn or at once; meanwhile others may get sick that were done with theirs. */
async function stepEverywhere<T>(
  { sites, order, stop }: Steps,
  step: (site: Site) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  const errors: unknown[] = [];
  const fail = (error: unknown) => {
    errors.push(error);
    stop.abort(error);
  };
  const busy = new Set<Site>();
  const run = async (site: Site) => {
    busy.add(site);
    await step(site).then((result) => results.push(result), fail);
    busy.delete(site);
  };
  const done = new AbortController();
  watch(() => sites.filter((site) => isHeld(site) && !busy.has(site)), done.signal).catch(
    (error) => {
      if (!done.signal.aborted) fail(error);
    },
  );
  if (order === 'together') await Promise.all(sites.map(run));
  else for (const site of sites) if (errors.length === 0) await run(site);
  done.abort();
  if (errors.length > 0) throw gravest(errors);
  return results;
}

/** Its new instances have all the requests, and its old ones are still there. */
function isHeld(site: Site): boolean {
  const { state, strategy } = site.place();
  return state === 'holding' && strategy === 'blue-green';
}

async function bringTo(site: Site): Promise<boolean> {
  if (site.place().state === 'done') return true;
  await enter(site);
  const isRouted = await strategyAt(site.place()).bring(site);
  const { strategy = 'rolling', beside } = site.place();
  // What Marathon itself replaced leaves nothing to end.
  if (strategy === 'rolling' && beside === undefined) await site.note({ state: 'done' });
  return isRouted;
}

async function settleAt(site: Site): Promise<void> {
  const { state } = site.place();
  if (state === 'done' || state === 'away') return;
  await strategyAt(site.place()).settle(site);
  await site.note({ state: 'done' });
}

/** A data centre that does not answer stops only what has nowhere else to go. */
async function unlessAway<T>(
  all: readonly Site[],
  site: Site,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (all.length === 1 || !isAway(error)) throw error;
    await site.note({ state: 'away', reason: messageOf(error) });
    return undefined;
  }
}

/** @throws RemoteError for another try, when it could be brought nowhere. */
function refuseAllAway(sites: readonly Site[]): void {
  const away = sites.filter((site) => site.place().state === 'away');
  if (away.length < sites.length || away.length === 0) return;
  const [first] = away;
  throw new RemoteError(`No data centre answers: ${first?.place().reason}`, {
    code: 'E_MARATHON_UNREACHABLE',
    hint: 'ekiden dc shows how each of them is.',
  });
}

/** That it was overtaken says more than what else went wrong, and that it failed more than an abort. */
function gravest(errors: unknown[]): unknown {
  return (
    errors.find((error) => error instanceof Overtaken) ??
    errors.find((error) => error instanceof Unwell) ??
    errors[0]
  );
}
