/** What is known of services: read from Marathon each time, never from a copy. */
import type { Marathon, MarathonApp } from '../clients/marathon.ts';
import type { Instance } from '../core/instance.ts';
import type { ReleaseStore, Scale, ScaleStore } from '../core/release.ts';
import { mask, secretValuesOf } from '../core/secret.ts';
import type { ReleaseSummary, ServiceDetail, ServiceName, ServiceStatus } from '../core/service.ts';
import { routesLabel } from '../core/upstream.ts';
import { appsOfProject, configVersion, findApp, nameOf } from './apps.ts';
import { countsOf, instancesOfApp, isCurrent } from './instances.ts';
import { whyNotHealthy } from './progress.ts';
import { healthOf } from './service-health.ts';

export interface ServicesOptions {
  marathon: Pick<Marathon, 'app' | 'apps'>;
  install: string;
  releases: ReleaseStore;
  scales: ScaleStore;
  /** Ids of the instances of an app that every balancer sends requests to. */
  routed: (app: string) => Promise<string[]>;
  /** Makes of an address, `host` or `host/path`, the URL that people follow. */
  urlOf: (address: string) => string;
}

/** Reads Marathon afresh at each call. */
export interface Services {
  /** All services of a project in all its environments, by environment and name. */
  ofProject(project: number): Promise<ServiceStatus[]>;
  find(name: ServiceName): Promise<ServiceDetail | undefined>;
}

export function createServices(options: ServicesOptions): Services {
  const { marathon } = options;

  /** A list of apps leaves out how the last instance died, which only the app itself tells. */
  async function complete(listed: MarathonApp): Promise<MarathonApp> {
    return (await marathon.app(listed.id)) ?? listed;
  }

  return {
    async ofProject(project) {
      const apps = (await appsOfProject(options, project)).filter(nameOf);
      const details = await Promise.all(
        apps.map(async (app) => {
          const detail = await describe(options, app);
          return detail.health === 'healthy' ? detail : describe(options, await complete(app));
        }),
      );
      return details.map(({ list: _, ...status }) => status).sort(byName);
    },
    async find(name) {
      const app = await findApp(options, name);
      return app && describe(options, await complete(app));
    },
  };
}

async function describe(options: ServicesOptions, app: MarathonApp): Promise<ServiceDetail> {
  const number = Number(app.labels['ekiden.release']);
  const [routed, scale, release] = await Promise.all([
    options.routed(app.id),
    options.scales.find(app.id),
    options.releases.find(app.id, number),
  ]);
  const hidden = release ? secretValuesOf(release) : [];
  const list = instancesOfApp(app, new Set(routed)).map((each) => withoutSecrets(each, hidden));
  return {
    ...withoutSecrets(statusOf(app, list, { scale, createdAt: release?.createdAt }), hidden),
    addresses: addressesOf(app).map(options.urlOf),
    list,
  };
}

/** What a check or a last word repeats of the app's secrets is for nobody's eyes. */
function withoutSecrets<T extends { reason?: string }>(told: T, hidden: string[]): T {
  return told.reason === undefined ? told : { ...told, reason: mask(told.reason, hidden) };
}

interface Known {
  scale: Scale | undefined;
  /** When its release was made; Marathon knows only when its definition last changed. */
  createdAt: number | undefined;
}

function statusOf(app: MarathonApp, list: Instance[], { scale, createdAt }: Known) {
  const counts = countsOf(app, list);
  const current = list.filter((each) => each.state === 'healthy' && isCurrent(app, each)).length;
  const isDeploying = app.deployments.length > 0;
  const why = whyNotHealthy(app, (version) => isCurrent(app, { version }));
  // What somebody asked for is told only where the app follows it.
  const asked = scale?.instances === app.instances ? scale : undefined;
  const release = releaseOf(app, createdAt);
  return {
    ...(nameOf(app) ?? { project: 0, environment: '', service: '' }),
    app: app.id,
    ...healthOf({ counts, current, isDeploying, why, ...(asked ? { scaledBy: asked.by } : {}) }),
    ...(release ? { release } : {}),
    instances: counts,
    cpus: app.cpus ?? 0,
    mem: app.mem ?? 0,
    variables: app.env,
    ...(asked ? { scale: { instances: asked.instances, by: asked.by, at: asked.at } } : {}),
    isDeploying,
  };
}

function releaseOf(app: MarathonApp, createdAt?: number): ReleaseSummary | undefined {
  const number = Number(app.labels['ekiden.release']);
  const [sha, build] = [app.labels['ekiden.commit'], app.labels['ekiden.build']];
  if (!Number.isInteger(number) || sha === undefined || build === undefined) return undefined;
  return {
    ...{ number, sha, build },
    image: app.container?.docker?.image ?? '',
    createdAt: createdAt ?? Date.parse(configVersion(app)),
  };
}

function addressesOf({ labels }: MarathonApp): string[] {
  return (labels[routesLabel] ?? '').split(',').filter(Boolean);
}

function byName(a: ServiceStatus, b: ServiceStatus): number {
  const [left, right] = [a, b].map(({ environment, service }) => `${environment}\n${service}`);
  return (left ?? '') < (right ?? '') ? -1 : 1;
}
