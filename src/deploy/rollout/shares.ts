/** Moves a service's requests from one of its apps to the other, and waits until balancers have followed. */
import { setTimeout as delay } from 'node:timers/promises';
import type { MarathonApp } from '../../clients/marathon.ts';
import { otherAppOf, percentOf, placedApp } from '../../core/traffic.ts';
import { defaultLastRequests } from '../operations/draining.ts';
import { isOursAt } from './places.ts';
import { progressOf } from './progress.ts';
import { type Site, Unwell } from './site.ts';

/** Longer than a balancer that died is believed to be alive. */
export const defaultSwitchPatience = 75_000;
const defaultRoutePatience = 15_000;

/** How much each instance of the app that served counts, and of the one beside it. */
export interface Shares {
  live: number;
  other: number;
  /** Of 100 requests, how many go beside, however many instances are there; default: as many as instances make. */
  percent?: number | undefined;
}

/** Keeps the shares in this data centre, in place of those that were kept before. */
export async function share(site: Site, { live, other, percent }: Shares): Promise<void> {
  const { service, dataCentre, options } = site;
  const [serving, beside] = [site.live(), site.other()];
  await site.asLeader(async () => {
    const kept = await options.traffic.find(service);
    for (const app of [serving, beside]) delete kept[percentOf(app, dataCentre)];
    await options.traffic.save(service, {
      ...kept,
      [placedApp(serving, dataCentre)]: live,
      [placedApp(beside, dataCentre)]: other,
      ...(percent === undefined ? {} : { [percentOf(beside, dataCentre)]: percent }),
    });
  });
}

/** Where nothing was ever shared otherwise there is nothing to put right. */
export async function shareLiveAlone(site: Site): Promise<void> {
  const kept = await site.options.traffic.find(site.service);
  const keys = [site.live(), site.other()].map((app) => placedApp(app, site.dataCentre));
  if (keys.some((key) => kept[key] !== undefined)) await share(site, { live: 1, other: 0 });
}

/** Waits until the new instances get requests, and they alone; false when no balancer has followed in time. */
export async function awaitRouted(site: Site, app: string): Promise<boolean> {
  const { options } = site;
  if (site.deployment.addresses.length === 0 || (await isLeftOut(site, app))) return true;
  const patience = options.routePatience ?? defaultRoutePatience;
  const hasFollowed = await site.until(() => isRouted(site, app), { patience, every: 50 });
  // Who hears of a success and looks at once shall see the new release.
  if (hasFollowed) await site.until(() => isLeft(site, app), { patience, every: 50 });
  return hasFollowed;
}

/** True once no balancer sends requests to instances of the app that are not of the release. */
async function isLeft(site: Site, id: string): Promise<boolean> {
  const { options, service, release } = site;
  const app = await site.look(id);
  const isOurs = isOursAt(site.place(), release, app);
  const others = app?.tasks.filter(({ version }) => !isOurs(version)) ?? [];
  return options.isFree(
    service,
    others.map(({ id: instance }) => instance),
  );
}

/** Nothing is left for it while the app beside it gets all requests. */
async function isLeftOut({ options, service, dataCentre }: Site, app: string): Promise<boolean> {
  const kept = await options.traffic.find(service);
  return kept[percentOf(otherAppOf(app), dataCentre)] === 100;
}

/** A balancer that sends no requests to this data centre need not be waited for. */
async function isRouted(site: Site, app: string): Promise<boolean> {
  const { options, service, dataCentre } = site;
  return options.isRouted(service, healthyOf(site, await site.look(app)), dataCentre);
}

/** @throws Unwell when balancers do not follow: what got the requests before still does. */
export async function awaitSwitched(
  site: Site,
  { to, from }: { to: string; from?: string },
): Promise<void> {
  const { options, service, deployment } = site;
  if (deployment.addresses.length === 0) return;
  const patience = options.switchPatience ?? defaultSwitchPatience;
  const isSwitched = async () => {
    if (!(await isRouted(site, to))) return false;
    return from === undefined || options.isFree(service, tasksOf(await site.look(from)));
  };
  if (await site.until(isSwitched, { patience, every: 50 })) return;
  throw new Unwell('not all balancers sent it requests in time');
}

/** Waits until the app gets no requests, and a while for those that are under way. */
export async function awaitFree(site: Site, app: string): Promise<void> {
  const { options, service, deployment, signal } = site;
  const tasks = tasksOf(await site.look(app));
  if (deployment.addresses.length === 0 || tasks.length === 0) return;
  // Whoever does not follow for so long balances nothing.
  const patience = options.switchPatience ?? defaultSwitchPatience;
  await site.until(() => options.isFree(service, tasks), { patience, every: 50 });
  await delay(options.lastRequests ?? defaultLastRequests, undefined, { signal });
}

function tasksOf(app: MarathonApp | undefined): string[] {
  return app?.tasks.map(({ id }) => id) ?? [];
}

/** The instances of the release that pass their checks. */
function healthyOf(site: Site, app: MarathonApp | undefined): string[] {
  if (app === undefined) return [];
  const looking = { isOurs: isOursAt(site.place(), site.release, app), hasSettled: () => true };
  return progressOf(app, looking).healthy.map(({ id }) => id);
}
