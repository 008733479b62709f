/** Finds the apps of a project in Marathon by their labels, whatever their ids are. */
import type { Marathon, MarathonApp } from '../clients/marathon.ts';
import type { ServiceName } from '../core/service.ts';

export interface AppsOptions {
  marathon: Pick<Marathon, 'apps'>;
  install: string;
}

/** The apps that this installation runs for the project, with their tasks. */
export function appsOfProject(
  { marathon, install }: AppsOptions,
  project: number,
): Promise<MarathonApp[]> {
  return marathon.apps({ label: `ekiden.install==${install},ekiden.project==${project}` });
}

/** Which service an app is; undefined for one that Ekiden did not label. */
export function nameOf({ labels }: MarathonApp): ServiceName | undefined {
  const [environment, service] = [labels['ekiden.environment'], labels['ekiden.service']];
  const project = Number(labels['ekiden.project']);
  if (environment === undefined || service === undefined || !Number.isInteger(project)) {
    return undefined;
  }
  return { project, environment, service };
}

/** The app of a service; of several, as a rename may leave for a moment, the one that changed last. */
export async function findApp(
  options: AppsOptions,
  { project, environment, service }: ServiceName,
): Promise<MarathonApp | undefined> {
  const apps = (await appsOfProject(options, project)).filter((app) => {
    const name = nameOf(app);
    return name?.environment === environment && name.service === service;
  });
  return apps.sort((a, b) => (configVersion(a) < configVersion(b) ? 1 : -1))[0];
}

/** Marathon's version of the configuration that the instances shall have; scaling leaves it. */
export function configVersion({ version, versionInfo }: MarathonApp): string {
  return versionInfo?.lastConfigChangeAt ?? version;
}
