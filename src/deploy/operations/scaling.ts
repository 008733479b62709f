/** Scales what runs, as a person asks. */
import type { DataCentres, PlacedApp } from '../../clients/data-centres.ts';
import { AppLockedError, type Marathon, type MarathonApp } from '../../clients/marathon.ts';
import type { Place } from '../../core/deployment.ts';
import { ConflictError, InputError, NotFoundError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { ReleaseStore, ScaleStore } from '../../core/release.ts';
import type { ServiceName } from '../../core/service.ts';
import { serviceAppOf, type TrafficStore } from '../../core/traffic.ts';
import { type Leads, underWay } from '../leader.ts';
import { appsOfService, liveApps } from '../services/apps.ts';
import { type DrainingOptions, drained, victimsOf } from './draining.ts';

export interface ScalingOptions extends DrainingOptions {
  dataCentres: Pick<DataCentres, 'apps' | 'find'>;
  traffic: Pick<TrafficStore, 'find' | 'drain'>;
  deployments: Leads;
  install: string;
  releases: ReleaseStore;
  scales: ScaleStore;
  /** EKIDEN_MAX_INSTANCES. */
  maxInstances: number;
  exclusively: <T>(app: string, work: () => Promise<T>) => Promise<T>;
  log: Log;
}

/**
 * In every data centre that answers; one that is away keeps its number until the next deployment.
 * @throws InputError for a number that is not allowed, NotFoundError, ConflictError while it is deployed.
 */
export async function scale(
  options: ScalingOptions,
  name: ServiceName,
  { instances, by }: { instances: number; by: string },
): Promise<void> {
  refuseNumber(instances, options.maxInstances);
  const app = serviceAppOf((await existing(options, name))[0].id);
  await options.exclusively(app, async () => {
    if (await isTried(options, app, instances)) throw beingDeployed(name);
    // Whoever had the lock before may have changed what there is.
    const found = await existing(options, name);
    await inEach(options, found, (one) => unlessLocked(name, scaleOne(options, one, instances)));
    // Noted after Marathon took it: what was refused must not come true with the next push.
    await noteScale(options, name, { instances, by });
  });
  options.log.info({ app, instances, by }, 'app scaled: a person asked for it');
}

/** New instances beside the old ones start in the number of before, and are stopped by nobody alone. */
async function isTried({ deployments }: ScalingOptions, app: string, instances: number) {
  const places = (await underWay(deployments, app))?.places ?? [];
  return places.some(
    (place) =>
      place.state === 'trial' || movesOver(place) || (place.state === 'holding' && instances === 0),
  );
}

/** True while old instances give way to those of a second app: how many there are is nobody's wish. */
export async function isMoving({ deployments }: Pick<ScalingOptions, 'deployments'>, app: string) {
  return ((await underWay(deployments, app))?.places ?? []).some(movesOver);
}

function movesOver({ state, beside }: Pick<Place, 'state' | 'beside'>): boolean {
  return state === 'rolling' && beside !== undefined;
}

/** What goes is chosen here, so that balancers can be told before. */
async function scaleOne(
  options: ScalingOptions,
  { marathon, app }: There,
  wanted: number,
): Promise<unknown> {
  const victims = victimsOf(app, wanted) ?? [];
  if (victims.length === 0) return marathon.scale(app.id, wanted);
  if (app.deployments.length > 0) {
    throw new AppLockedError(
      `${app.id} is locked.`,
      app.deployments.map(({ id }) => id),
    );
  }
  const service = serviceAppOf(app.id);
  return drained(options, { app: service, instances: victims }, () =>
    marathon.killTasks(victims, { scale: true }),
  );
}

/** Keeps what somebody asked for, unless the manifest says the same. */
export async function noteScale(
  options: ScalingOptions,
  name: ServiceName,
  { instances, by }: { instances: number; by: string },
): Promise<void> {
  const [now] = await existing(options, name);
  const app = serviceAppOf(now.id);
  const manifest = await manifestNumber(options, now);
  if (manifest === instances) return options.scales.forget(app);
  const at = Date.now();
  await options.scales.save(app, { instances, by, at, manifest: manifest ?? instances });
}

/** One data centre after the other, so that the first that refuses keeps the others as they are. */
export async function inEach(
  { dataCentres }: ScalingOptions,
  apps: readonly PlacedApp[],
  work: (there: There) => Promise<unknown>,
): Promise<void> {
  for (const app of apps) await work({ marathon: dataCentres.find(app.dataCentre).marathon, app });
}

/** An app, and the Marathon that has it. */
interface There {
  marathon: Marathon;
  app: PlacedApp;
}

function refuseNumber(instances: number, most: number): void {
  if (Number.isInteger(instances) && instances >= 0 && instances <= most) return;
  throw new InputError(`${instances} instances are not possible: 0 to ${most} are.`, {
    code: 'E_INSTANCES',
    status: 422,
    hint: 'An administrator sets the most with EKIDEN_MAX_INSTANCES.',
  });
}

/** The app that serves in each data centre that answers. @throws NotFoundError */
export async function existing(
  options: ScalingOptions,
  name: ServiceName,
): Promise<[PlacedApp, ...PlacedApp[]]> {
  const { apps } = await appsOfService(options, name);
  const [first, ...others] = await liveApps(apps, options.traffic);
  if (first) return [first, ...others];
  throw noService(name);
}

export function noService({ service, environment }: Omit<ServiceName, 'project'>): NotFoundError {
  return new NotFoundError(`There is no service ${service} in ${environment}.`, {
    code: 'E_SERVICE',
    hint: 'What was never deployed, or was taken down, comes with a push.',
  });
}

/** What the manifest of the release that runs says. */
async function manifestNumber({ releases }: ScalingOptions, { id, labels }: MarathonApp) {
  const release = await releases.find(serviceAppOf(id), Number(labels['ekiden.release']));
  return release?.spec.instances;
}

export async function unlessLocked<T>(name: ServiceName, write: Promise<T>) {
  try {
    return await write;
  } catch (error) {
    if (!(error instanceof AppLockedError)) throw error;
    throw beingDeployed(name, error);
  }
}

export function beingDeployed(
  { service, environment }: ServiceName,
  cause?: unknown,
): ConflictError {
  return new ConflictError(`${service} in ${environment} is being deployed just now.`, {
    code: 'E_DEPLOYING',
    hint: 'Ask again when it has ended; a rollback need not wait.',
    retryable: true,
    cause,
  });
}
