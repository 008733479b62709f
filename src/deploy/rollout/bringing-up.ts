/** Makes a service in one data centre what its last good release says, under the lock of the service. */
import { setTimeout as delay } from 'node:timers/promises';
import type { PlacedApp } from '../../clients/data-centres.ts';
import type { Marathon } from '../../clients/marathon.ts';
import { otherAppOf, placedApp, serviceAppOf } from '../../core/traffic.ts';
import { leaderOf } from '../leader.ts';
import { defaultLastRequests } from '../operations/draining.ts';
import { type CatchingUpOptions, isBehind, isLeftBehind, isSettled, type There } from './behind.ts';
import { instancesOf } from './instances-for.ts';
import { noteThere } from './late-places.ts';
import { liveOf, releaseOf } from './live.ts';
import { servedBefore } from './moving.ts';
import { dataCentresOf } from './places.ts';
import { progressOf, versionsOf, whyNotHealthy } from './progress.ts';
import { masked } from './reversal.ts';

const defaultPatience = 60_000;
const lookEvery = 500;

/** Sends the release once, and waits a while for it to be healthy. */
export async function bringUp(options: CatchingUpOptions, behind: There): Promise<void> {
  const { dataCentres, exclusively, log } = options;
  const { service, dataCentre } = behind;
  const { marathon } = dataCentres.find(dataCentre);
  const found = await exclusively(service, () => send(options, behind));
  if (!found) return;
  const { app, release } = found;
  log.info({ app, dataCentre, release: release.number }, 'a data centre that was away follows');
  const giveUp = Date.now() + (options.patience ?? defaultPatience);
  while (Date.now() < giveUp) {
    if (await isUp(marathon, app, release.number)) return noteThere(options, behind);
    await delay(lookEvery);
  }
  log.warn({ app, dataCentre, release: release.number }, 'it is not healthy there yet');
  await confirm(options, behind);
}

/** It has the release; whether that is healthy there was not known yet. */
export async function confirm(options: CatchingUpOptions, behind: There): Promise<void> {
  const { service, dataCentre } = behind;
  const { marathon } = options.dataCentres.find(dataCentre);
  for (const app of await appsAt(marathon, behind)) {
    const isOurs = versionsOf(app, { release: releaseOf(app) });
    const isHealthy = progressOf(app, { isOurs, hasSettled: () => true }).isHealthy;
    const why = `not healthy there yet: ${whyNotHealthy(app, isOurs)}`;
    const reason = isHealthy ? undefined : await masked(options, { app: service }, why);
    await noteThere(options, behind, reason);
  }
}

async function isUp(marathon: Pick<Marathon, 'app'>, id: string, release: number) {
  const app = await marathon.app(id);
  if (app === undefined) return false;
  const isOurs = versionsOf(app, { release });
  return progressOf(app, { isOurs, hasSettled: () => true }).isHealthy;
}

/** Under the lock all is asked again: somebody else may have done it, or deploys another one. */
async function send(options: CatchingUpOptions, { service, dataCentre }: There) {
  const { dataCentres, releases, scales, traffic } = options;
  const { marathon } = dataCentres.find(dataCentre);
  const release = await releases.lastGood(service);
  const apps = await appsAt(marathon, { service, dataCentre });
  if (!release || !(await isBehind(options, release, apps))) return undefined;
  const live = liveOf(apps, await traffic.find(service), dataCentre) ?? service;
  // What was tried there when the data centre went away is tried no more.
  const others = apps.filter(({ id }) => id !== live);
  await serveAlone(options, { service, dataCentre }, { live, others });
  const instances = instancesOf(release.spec, await scales.find(service), 'rollback');
  await marathon.putApp({ ...release.definition, id: live, instances }, { force: true });
  return { app: live, release };
}

/** The service runs there no more, as the manifest of its release says. */
export async function leave(
  options: CatchingUpOptions,
  { service, dataCentre }: There,
): Promise<void> {
  const { marathon } = options.dataCentres.find(dataCentre);
  await options.exclusively(service, async () => {
    const wanted = await options.releases.lastGood(service);
    if (!wanted || dataCentresOf(wanted.spec, options.dataCentres).includes(dataCentre)) return;
    if (!(await isSettled(options, service))) return;
    await end(options, await appsAt(marathon, { service, dataCentre }));
    options.log.info({ app: service, dataCentre }, 'its manifest names the data centre no more');
  });
}

/** Nothing is left of what never worked. */
export async function drop(
  options: CatchingUpOptions,
  { service, dataCentre }: There,
): Promise<void> {
  const { marathon } = options.dataCentres.find(dataCentre);
  await options.exclusively(service, async () => {
    if (!(await isLeftBehind(options, service))) return;
    await end(options, await appsAt(marathon, { service, dataCentre }));
    options.log.info({ app: service, dataCentre }, 'what never worked is gone');
  });
}

/** What ran there beside the app that serves is left of a deployment that has ended since. */
export async function tidy(options: CatchingUpOptions, behind: There): Promise<void> {
  const { service, dataCentre } = behind;
  const { marathon } = options.dataCentres.find(dataCentre);
  await options.exclusively(service, async () => {
    if (!(await isSettled(options, service))) return;
    const apps = await appsAt(marathon, behind);
    const live = liveOf(apps, await options.traffic.find(service), dataCentre) ?? service;
    const others = apps.filter(({ id }) => id !== live);
    await regrow(options, behind, live);
    await serveAlone(options, behind, { live, others });
    options.log.info(
      { app: service, dataCentre },
      'what was left beside the app that serves is gone',
    );
  });
  await noteThere(options, behind);
}

/** What gave way to a release that did not stay has again as many instances as before. */
async function regrow(
  options: CatchingUpOptions,
  { service, dataCentre }: There,
  live: string,
): Promise<void> {
  const { places = [] } = (await leaderOf(options.deployments, service)) ?? {};
  const place = places.find((each) => each.dataCentre === dataCentre && each.app === live);
  if (!place) return;
  const { marathon } = options.dataCentres.find(dataCentre);
  const wanted = await servedBefore(options, service, place);
  const app = await marathon.app(live);
  if (app && app.instances < wanted) await marathon.scale(live, wanted, { force: true });
}

async function appsAt(
  marathon: Pick<Marathon, 'app'>,
  { service, dataCentre }: There,
): Promise<PlacedApp[]> {
  const found = await Promise.all([service, otherAppOf(service)].map((id) => marathon.app(id)));
  return found.flatMap((app) => (app ? [{ ...app, dataCentre }] : []));
}

/** Gives all requests there to one app, whatever was shared before, and ends the others. */
async function serveAlone(
  options: CatchingUpOptions,
  { service, dataCentre }: There,
  { live, others }: { live: string; others: readonly PlacedApp[] },
): Promise<void> {
  const { traffic } = options;
  const kept = await traffic.find(service);
  const key = placedApp(live, dataCentre);
  if (others.length > 0 || kept[key] === 0) await traffic.save(service, { ...kept, [key]: 1 });
  await end(options, others);
}

/** Ends apps once balancers send them nothing, or do not say so for too long. */
async function end(
  { dataCentres, traffic, isFree, ...options }: CatchingUpOptions,
  apps: readonly PlacedApp[],
): Promise<void> {
  const [first] = apps;
  if (!first) return;
  const service = serviceAppOf(first.id);
  const none = apps.map(({ id, dataCentre }) => [placedApp(id, dataCentre), 0]);
  await traffic.save(service, { ...(await traffic.find(service)), ...Object.fromEntries(none) });
  const tasks = apps.flatMap((app) => app.tasks.map(({ id }) => id));
  const giveUp = Date.now() + (options.patience ?? defaultPatience);
  while (Date.now() < giveUp && !(await isFree(service, tasks))) await delay(lookEvery);
  await delay(options.lastRequests ?? defaultLastRequests);
  const { marathon } = dataCentres.find(first.dataCentre);
  for (const { id } of apps) await marathon.deleteApp(id, { force: true });
}
