/** Ends one instance of a service, as a person asks. */
import { NotFoundError } from '../../core/errors.ts';
import type { ServiceName } from '../../core/service.ts';
import { serviceAppOf } from '../../core/traffic.ts';
import { appsOfService, liveApps } from '../services/apps.ts';
import { drained } from './draining.ts';
import {
  beingDeployed,
  isMoving,
  noteScale,
  type ScalingOptions,
  unlessLocked,
} from './scaling.ts';

export interface Killing {
  /** Marathon's task id. */
  instance: string;
  /** False: the service has one instance less from then on. */
  replace: boolean;
  by: string;
}

/** @throws NotFoundError where the service has no such instance, ConflictError while it is deployed. */
export async function killInstance(
  options: ScalingOptions,
  name: ServiceName,
  { instance, replace, by }: Killing,
): Promise<void> {
  const { dataCentres, log } = options;
  const app = serviceAppOf((await find(options, name, instance)).found.id);
  await options.exclusively(app, async () => {
    // Whoever had the lock before may have changed what there is.
    const { apps, found, task } = await find(options, name, instance);
    if (task.state === 'TASK_KILLING') return;
    // The number of instances is that of the app that serves, and not of one that is tried or kept beside it.
    const serving = await liveApps(apps, options.traffic);
    const isOneOfAll = serving.includes(found) && !(await isMoving(options, app));
    if (!replace && !isOneOfAll) throw beingDeployed(name);
    const { marathon } = dataCentres.find(found.dataCentre);
    await drained(options, { app, instances: [instance] }, () =>
      unlessLocked(name, marathon.killTasks([instance], { scale: !replace })),
    );
    if (!replace) await noteScale(options, name, { instances: found.instances - 1, by });
  });
  log.info({ app, instance, replace, by }, 'instance killed: a person asked for it');
}

/** The service's apps, the one that has the instance, and its task. @throws NotFoundError */
async function find(options: ScalingOptions, name: ServiceName, instance: string) {
  const { apps } = await appsOfService(options, name);
  for (const found of apps) {
    const task = found.tasks.find(({ id }) => id === instance);
    if (task) return { apps, found, task };
  }
  const ids = apps.flatMap(({ tasks }) => tasks.map(({ id }) => id));
  throw noInstance(instance, name, ids);
}

/** Ids that are told. */
const told = 5;

function noInstance(instance: string, { service, environment }: ServiceName, ids: string[]) {
  const others = ids.length > told ? ` and ${ids.length - told} more` : '';
  return new NotFoundError(`${service} in ${environment} has no instance ${instance}.`, {
    code: 'E_NO_INSTANCE',
    hint:
      ids.length === 0 ? 'It has none now.' : `It has ${ids.slice(0, told).join(', ')}${others}.`,
  });
}
