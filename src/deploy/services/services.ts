/** What is known of services: read from Marathon each time, never from a copy. */
import type { Away, DataCentres, FoundApps, PlacedApp } from '../../clients/data-centres.ts';
import type { ReleaseStore, ScaleStore } from '../../core/release.ts';
import { mask, secretValuesOf } from '../../core/secret.ts';
import type { ServiceDetail, ServiceName, ServiceStatus } from '../../core/service.ts';
import { serviceAppOf, type TrafficStore } from '../../core/traffic.ts';
import { routesLabel } from '../../core/upstream.ts';
import { releaseOf } from '../rollout/live.ts';
import type { WhyFacts } from '../why/why.ts';
import type { Asked } from '../why/why-facts.ts';
import { appsOfService, findApps, liveApps, nameOf } from './apps.ts';
import { instancesOfApp, isCurrent } from './instances.ts';
import { currentOf, type ServiceFacts, statusOf } from './service-status.ts';

export interface ServicesOptions {
  dataCentres: Pick<DataCentres, 'apps' | 'ask' | 'list' | 'defaults'>;
  install: string;
  releases: ReleaseStore;
  scales: ScaleStore;
  traffic: Pick<TrafficStore, 'find'>;
  /** Ids of the instances of an app in a data centre that every balancer sends requests to. */
  routed: (app: string, dataCentre: string) => Promise<string[]>;
  /** Makes of an address, `host` or `host/path`, the URL that people follow. */
  urlOf: (address: string) => string;
  /** What explains the state of an app that is not well; default: its own answer alone. */
  factsOf?: (asked: Asked) => Promise<WhyFacts>;
}

/** Reads Marathon afresh at each call; what is told is of the data centres that answer. */
export interface Services {
  /** All services of a project in all its environments, by environment and name. */
  ofProject(project: number): Promise<ServiceStatus[]>;
  find(name: ServiceName): Promise<ServiceDetail | undefined>;
}

export function createServices(options: ServicesOptions): Services {
  /** A list of apps leaves out how the last instance died, which only the app itself tells. */
  async function complete(listed: PlacedApp): Promise<PlacedApp> {
    const { dataCentre } = listed;
    const read = options.dataCentres.ask(dataCentre, ({ app }, limits) => app(listed.id, limits));
    const found = await read.catch(() => undefined);
    return found ? { ...found, dataCentre } : listed;
  }

  const describeWhole = async ({ apps, away }: FoundApps) =>
    describe(options, await Promise.all(apps.map(complete)), away);

  return {
    async ofProject(project) {
      const { apps, away } = await findApps(options, project);
      const details = await Promise.all(
        byService(apps).map(async (group) => {
          const detail = await describe(options, group, away);
          return detail.health === 'healthy' ? detail : describeWhole({ apps: group, away });
        }),
      );
      return details.map(({ list: _, ...status }) => status).sort(byName);
    },
    async find(name) {
      const found = await appsOfService(options, name);
      return found.apps.length === 0 ? undefined : describeWhole(found);
    },
  };
}

/** Apps of one service stand together, whichever data centres they are in. */
function byService(apps: PlacedApp[]): PlacedApp[][] {
  const groups = new Map<string, PlacedApp[]>();
  for (const app of apps.filter(nameOf)) {
    const service = serviceAppOf(app.id);
    groups.set(service, [...(groups.get(service) ?? []), app]);
  }
  return [...groups.values()];
}

async function describe(
  options: ServicesOptions,
  apps: PlacedApp[],
  away: Away[],
): Promise<ServiceDetail> {
  const live = await liveApps(apps, options.traffic);
  const [first] = live;
  if (first === undefined) throw new Error('A service without an app cannot be described.');
  const app = serviceAppOf(first.id);
  const numbers = [...new Set(apps.map(releaseOf))];
  const [scale, releases, lists] = await Promise.all([
    options.scales.find(app),
    Promise.all(numbers.map((number) => options.releases.find(app, number))),
    Promise.all(apps.map((each) => instancesOf(options, each))),
  ]);
  const kept = releases.filter((release) => release !== undefined);
  const hidden = kept.flatMap(secretValuesOf);
  const known = await Promise.all(
    apps.map((each, index) => withWhy(options, { app: each, list: lists[index] ?? [] })),
  );
  const release = kept.find(({ number }) => number === releaseOf(first));
  const names = options.dataCentres.list().map((each) => each.name);
  const wanted = release?.spec.dataCentres ?? options.dataCentres.defaults();
  const unknown = wanted.filter((name) => !names.includes(name));
  const places = { isOne: names.length === 1, wanted, unknown, away };
  return {
    ...withoutSecrets(statusOf({ app, live, known, scale, release, places }), hidden),
    addresses: addressesOf(first).map(options.urlOf),
    list: lists.flat().map((each) => withoutSecrets(each, hidden)),
  };
}

/** Asks the queue and the nodes only where something is wrong. */
async function withWhy(
  { factsOf, dataCentres }: ServicesOptions,
  known: ServiceFacts['known'][number],
) {
  const { app } = known;
  if (!factsOf || currentOf(known) >= app.instances) return known;
  const { dataCentre } = app;
  const queue: Asked['marathon']['queue'] = (wanted) =>
    dataCentres.ask(dataCentre, (marathon) => marathon.queue(wanted));
  const isOurs = (version?: string) => isCurrent(app, { version });
  const release = releaseOf(app);
  return {
    ...known,
    why: await factsOf({ dataCentre, marathon: { queue }, app, isOurs, release }),
  };
}

async function instancesOf({ routed, dataCentres }: ServicesOptions, app: PlacedApp) {
  const ids = await routed(serviceAppOf(app.id), app.dataCentre);
  const { dataCentre: _, ...placeless } = app;
  const isOne = dataCentres.list().length === 1;
  return instancesOfApp(isOne ? placeless : app, new Set(ids));
}

/** What a check or a last word repeats of the app's secrets is for nobody's eyes. */
function withoutSecrets<T extends { reason?: string }>(told: T, hidden: string[]): T {
  return told.reason === undefined ? told : { ...told, reason: mask(told.reason, hidden) };
}

function addressesOf({ labels }: PlacedApp): string[] {
  return (labels[routesLabel] ?? '').split(',').filter(Boolean);
}

function byName(a: ServiceStatus, b: ServiceStatus): number {
  const [left, right] = [a, b].map(({ environment, service }) => `${environment}\n${service}`);
  return (left ?? '') < (right ?? '') ? -1 : 1;
}
