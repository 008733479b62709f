/** Says of a service's apps in all data centres how it is; a function of data. */
import type { Away, PlacedApp } from '../../clients/data-centres.ts';
import type { Instance } from '../../core/instance.ts';
import type { Release, Scale } from '../../core/release.ts';
import type {
  InstanceCounts,
  ReleaseSummary,
  ServicePlace,
  ServiceStatus,
} from '../../core/service.ts';
import { releaseOf } from '../rollout/live.ts';
import { type WhyFacts, whyNow } from '../why/why.ts';
import { configVersion, nameOf } from './apps.ts';
import { countsOf, isCurrent } from './instances.ts';
import { type Health, healthOf } from './service-health.ts';

export interface ServiceFacts {
  /** Id that names the service. */
  app: string;
  /** The app that serves in each data centre that answers. */
  live: PlacedApp[];
  /** Every app with its instances; where a release is tried, a data centre has two. */
  known: { app: PlacedApp; list: Instance[]; why?: WhyFacts | undefined }[];
  scale: Scale | undefined;
  /** That of the first data centre. */
  release: Release | undefined;
  places: {
    /** True where the installation has one data centre. */
    isOne: boolean;
    /** Where the service is to run. */
    wanted: readonly string[];
    /** Those of them that are not in the settings. */
    unknown: readonly string[];
    away: Away[];
  };
}

export function statusOf(facts: ServiceFacts): Omit<ServiceStatus, 'addresses'> {
  const { app, live, known, scale, release, places } = facts;
  const [first] = live;
  const counts = sumOf(known.map((each) => countsOf(each.app, each.list)));
  // What somebody asked for is told only where the app follows it.
  const asked = scale?.instances === first?.instances ? scale : undefined;
  const isDeploying = known.some((each) => each.app.deployments.length > 0);
  const summary = first && summaryOf(first, release?.createdAt);
  return {
    ...((first && nameOf(first)) ?? { project: 0, environment: '', service: '' }),
    app,
    ...withAway(healthIn(facts, { counts, isDeploying, ...whoStopped(asked) }), places),
    ...(summary ? { release: summary } : {}),
    instances: counts,
    cpus: first?.cpus ?? 0,
    mem: first?.mem ?? 0,
    variables: first?.env ?? [],
    ...(asked ? { scale: { instances: asked.instances, by: asked.by, at: asked.at } } : {}),
    isDeploying,
    ...(places.isOne ? {} : { places: placesOf(facts) }),
  };
}

type Known = Pick<Parameters<typeof healthOf>[0], 'counts' | 'isDeploying'> & {
  scaledBy?: string;
  isSuspended?: boolean;
};

/** How many instances of the definition that the app has now are healthy. */
export function currentOf({ app, list }: ServiceFacts['known'][number]): number {
  return list.filter((each) => each.state === 'healthy' && isCurrent(app, each)).length;
}

function healthIn({ known }: ServiceFacts, counted: Known): Health {
  const current = known.reduce((sum, each) => sum + currentOf(each), 0);
  const unwell = known.find((each) => currentOf(each) < each.app.instances) ?? known[0];
  const isOurs = (version?: string) => (unwell ? isCurrent(unwell.app, { version }) : false);
  const why = whyNow(unwell?.why ?? { app: unwell?.app, isOurs });
  return healthOf({ ...counted, current, why });
}

function whoStopped(asked: Scale | undefined) {
  return asked ? { scaledBy: asked.by, isSuspended: asked.before !== undefined } : {};
}

/** A data centre that is not there is no fault of the service, but whoever looks is to know. */
function withAway(health: Health, { wanted, unknown, away }: ServiceFacts['places']): Health {
  const missing = away.filter(({ dataCentre }) => wanted.includes(dataCentre));
  const told = [
    ...missing.map(
      ({ dataCentre, since }) => `${dataCentre} is away since ${new Date(since).toISOString()}`,
    ),
    ...unknown.map((name) => `${name}, where it belongs, is no data centre of the settings`),
  ];
  if (told.length === 0) return health;
  return { ...health, reason: [health.reason, told.join(', ')].filter(Boolean).join('; ') };
}

function placesOf({ live, known, places }: ServiceFacts): ServicePlace[] {
  const answering = live.map((app): ServicePlace => {
    const { dataCentre } = app;
    const there = known.filter((each) => each.app.dataCentre === dataCentre);
    const instances = sumOf(there.map((each) => countsOf(each.app, each.list)));
    return { dataCentre, release: releaseOf(app), instances };
  });
  const missing = places.away
    .filter(({ dataCentre }) => places.wanted.includes(dataCentre))
    .map(({ dataCentre, since, reason }) => ({ dataCentre, awaySince: since, reason }));
  return [...answering, ...missing].sort((a, b) => (a.dataCentre < b.dataCentre ? -1 : 1));
}

function sumOf(all: InstanceCounts[]): InstanceCounts {
  const of = (name: keyof InstanceCounts) => all.reduce((sum, counts) => sum + counts[name], 0);
  return {
    wanted: of('wanted'),
    waiting: of('waiting'),
    starting: of('starting'),
    healthy: of('healthy'),
    unhealthy: of('unhealthy'),
    stopping: of('stopping'),
  };
}

function summaryOf(app: PlacedApp, createdAt?: number): ReleaseSummary | undefined {
  const number = Number(app.labels['ekiden.release']);
  const [sha, build] = [app.labels['ekiden.commit'], app.labels['ekiden.build']];
  if (!Number.isInteger(number) || sha === undefined || build === undefined) return undefined;
  return {
    ...{ number, sha, build },
    image: app.container?.docker?.image ?? '',
    createdAt: createdAt ?? Date.parse(configVersion(app)),
  };
}
