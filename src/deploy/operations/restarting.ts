/** Replaces all instances of a service by new ones, as a person asks. */
import type { DataCentres, PlacedApp } from '../../clients/data-centres.ts';
import type { Deployment } from '../../core/deployment.ts';
import type { ServiceName } from '../../core/service.ts';
import { serviceAppOf } from '../../core/traffic.ts';
import { routesLabel } from '../../core/upstream.ts';
import { underWay } from '../leader.ts';
import { type AskedOptions, again } from './asked.ts';
import { drainsItself } from './draining.ts';
import { beingDeployed, existing, inEach, type ScalingOptions, unlessLocked } from './scaling.ts';

/**
 * Each old instance is kept until a new one is healthy. Answers the deployments of what runs that do it
 * where Marathon would end instances with their requests, and otherwise none.
 */
export async function restart(
  options: ScalingOptions & AskedOptions,
  name: ServiceName,
  by: string,
): Promise<Deployment[]> {
  const found = await existing(options, name);
  if (await isGentle(options.dataCentres, found)) {
    await restartInPlace(options, name, by);
    return [];
  }
  const app = serviceAppOf(found[0].id);
  if (await underWay(options.deployments, app)) throw beingDeployed(name);
  const { project, environment, service } = name;
  const deployments = await again(options, { project, environment, services: [service], by });
  options.log.info({ app, by }, 'app deployed again: a person asked for a restart');
  // A freeze holds no restarts.
  return deployments.map((deployment) => ({ ...deployment, restart: true, override: true }));
}

async function restartInPlace(
  options: ScalingOptions,
  name: ServiceName,
  by: string,
): Promise<void> {
  const app = serviceAppOf((await existing(options, name))[0].id);
  await options.exclusively(app, async () => {
    const found = await existing(options, name);
    await inEach(options, found, ({ marathon, app: { id } }) =>
      unlessLocked(name, marathon.restart(id)),
    );
  });
  options.log.info({ app, by }, 'app restarted: a person asked for it');
}

/** True where no balancer sends them requests, or all are taken out before they end. */
async function isGentle(
  dataCentres: Pick<DataCentres, 'find'>,
  apps: readonly PlacedApp[],
): Promise<boolean> {
  const serving = apps.filter(
    ({ instances, labels }) => instances > 0 && labels[routesLabel] !== undefined,
  );
  const names = [...new Set(serving.map(({ dataCentre }) => dataCentre))];
  const gentle = await Promise.all(
    names.map((each) => drainsItself(dataCentres.find(each).marathon)),
  );
  return gentle.every(Boolean);
}
