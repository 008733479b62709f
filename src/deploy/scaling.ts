/** Scales and restarts what runs, as a person asks. */
import { AppLockedError, type Marathon, type MarathonApp } from '../clients/marathon.ts';
import { ConflictError, InputError, NotFoundError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { ReleaseStore, ScaleStore } from '../core/release.ts';
import type { ServiceName } from '../core/service.ts';
import { findApp } from './apps.ts';

export interface ScalingOptions {
  marathon: Marathon;
  install: string;
  releases: ReleaseStore;
  scales: ScaleStore;
  /** EKIDEN_MAX_INSTANCES. */
  maxInstances: number;
  exclusively: <T>(app: string, work: () => Promise<T>) => Promise<T>;
  log: Log;
}

/** @throws InputError for a number that is not allowed, NotFoundError, ConflictError while it is deployed. */
export async function scale(
  options: ScalingOptions,
  name: ServiceName,
  { instances, by }: { instances: number; by: string },
): Promise<void> {
  const { marathon, scales, log } = options;
  refuseNumber(instances, options.maxInstances);
  const { id: app } = await existing(options, name);
  await options.exclusively(app, async () => {
    await unlessLocked(name, marathon.scale(app, instances));
    // Noted after Marathon took it: what was refused must not come true with the next push.
    const manifest = await manifestNumber(options, await existing(options, name));
    if (manifest === instances) await scales.forget(app);
    else await scales.save(app, { instances, by, at: Date.now(), manifest: manifest ?? instances });
  });
  log.info({ app, instances, by }, 'app scaled: a person asked for it');
}

/** New instances of the same release, each old one kept until a new one is healthy. */
export async function restart(
  options: ScalingOptions,
  name: ServiceName,
  by: string,
): Promise<void> {
  const { id: app } = await existing(options, name);
  await options.exclusively(app, () => unlessLocked(name, options.marathon.restart(app)));
  options.log.info({ app, by }, 'app restarted: a person asked for it');
}

function refuseNumber(instances: number, most: number): void {
  if (Number.isInteger(instances) && instances >= 0 && instances <= most) return;
  throw new InputError(`${instances} instances are not possible: 0 to ${most} are.`, {
    code: 'E_INSTANCES',
    status: 422,
    hint: 'An administrator sets the most with EKIDEN_MAX_INSTANCES.',
  });
}

async function existing(options: ScalingOptions, name: ServiceName): Promise<MarathonApp> {
  const app = await findApp(options, name);
  if (app) return app;
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
  const release = await releases.find(id, Number(labels['ekiden.release']));
  return release?.spec.instances;
}

async function unlessLocked<T>({ service, environment }: ServiceName, write: Promise<T>) {
  try {
    return await write;
  } catch (error) {
    if (!(error instanceof AppLockedError)) throw error;
    throw new ConflictError(`${service} in ${environment} is being deployed just now.`, {
      code: 'E_DEPLOYING',
      hint: 'Ask again when it has ended; a rollback need not wait.',
      retryable: true,
      cause: error,
    });
  }
}
