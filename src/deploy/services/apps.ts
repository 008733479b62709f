/** Finds the apps of a project in Marathon by their labels, whatever their ids are. */
import type { DataCentres, FoundApps, PlacedApp } from '../../clients/data-centres.ts';
import type { MarathonApp } from '../../clients/marathon.ts';
import type { ServiceName } from '../../core/service.ts';
import type { TrafficStore } from '../../core/traffic.ts';
import { serviceAppOf } from '../../core/traffic.ts';
import { liveOf } from '../rollout/live.ts';

export interface AppsOptions {
  dataCentres: Pick<DataCentres, 'apps'>;
  install: string;
}

/** The apps that this installation runs for the project, with their tasks, and where nobody answers. */
export function findApps(
  { dataCentres, install }: AppsOptions,
  project: number,
): Promise<FoundApps> {
  return dataCentres.apps({ label: `ekiden.install==${install},ekiden.project==${project}` });
}

/** Those in the data centres that answer. */
export async function appsOfProject(options: AppsOptions, project: number): Promise<PlacedApp[]> {
  return (await findApps(options, project)).apps;
}

/** Which service an app is; undefined for one that Ekiden did not label. */
export function nameOf({ labels }: Pick<MarathonApp, 'labels'>): ServiceName | undefined {
  const [environment, service] = [labels['ekiden.environment'], labels['ekiden.service']];
  const project = Number(labels['ekiden.project']);
  if (environment === undefined || service === undefined || !Number.isInteger(project)) {
    return undefined;
  }
  return { project, environment, service };
}

/**
 * The apps of a service: in each data centre one, or two while a release is tried beside another. Of
 * several ids, as a rename may leave for a moment, those of the one that changed last.
 * @throws RemoteError where none is found and a data centre is away.
 */
export async function appsOfService(
  options: AppsOptions,
  { project, environment, service }: ServiceName,
): Promise<FoundApps> {
  const found = await findApps(options, project);
  const apps = found.apps.filter((app) => {
    const name = nameOf(app);
    return name?.environment === environment && name.service === service;
  });
  const [newest] = apps.toSorted((a, b) => (configVersion(a) < configVersion(b) ? 1 : -1));
  if (newest === undefined && found.away[0]) throw found.away[0].error;
  const id = newest && serviceAppOf(newest.id);
  return { ...found, apps: apps.filter((app) => serviceAppOf(app.id) === id) };
}

/** The app of a service that serves in each data centre. */
export async function liveApps(
  apps: PlacedApp[],
  traffic: Pick<TrafficStore, 'find'>,
): Promise<PlacedApp[]> {
  const [first] = apps;
  if (first === undefined) return [];
  const weights = await traffic.find(serviceAppOf(first.id));
  const names = [...new Set(apps.map(({ dataCentre }) => dataCentre))];
  return names.flatMap((name) => {
    const there = apps.filter(({ dataCentre }) => dataCentre === name);
    const live = liveOf(there, weights, name);
    return there.filter(({ id }) => id === live);
  });
}

/** Marathon's version of the configuration that the instances shall have; scaling leaves it. */
export function configVersion({ version, versionInfo }: MarathonApp): string {
  return versionInfo?.lastConfigChangeAt ?? version;
}
