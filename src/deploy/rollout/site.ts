/** One deployment in one data centre: what the strategies look at, note down and wait for. */
import { setTimeout as delay } from 'node:timers/promises';
import type { DataCentre } from '../../clients/data-centres.ts';
import type { MarathonApp } from '../../clients/marathon.ts';
import type { Deployment, DeploymentStore, Place } from '../../core/deployment.ts';
import { RemoteError } from '../../core/errors.ts';
import type { Release, ScaleStore } from '../../core/release.ts';
import { otherAppOf, type TrafficStore } from '../../core/traffic.ts';
import type { LegClock } from './leg-clock.ts';
import type { PlaceBook } from './places.ts';

export interface SiteOptions {
  deployments: DeploymentStore;
  scales: ScaleStore;
  traffic: TrafficStore;
  /** True once every balancer of the data centre sends requests to these instances, or there is none. */
  isRouted: (app: string, instances: string[], dataCentre: string) => Promise<boolean>;
  /** True once no balancer sends new requests to any of these instances. */
  isFree: (app: string, instances: string[]) => Promise<boolean>;
  /** Runs work on one app while nobody else does. */
  exclusively: <T>(app: string, work: () => Promise<T>) => Promise<T>;
  /** Says why what is tried there does not become healthy, in one sentence without secrets. */
  explain: (failed: Failed) => Promise<string>;
  /** Is shown what Marathon shows at each look, to say meanwhile why it waits. */
  notice?: (looked: Failed) => void;
  /** Milliseconds that balancers may take to follow a new instance. */
  routePatience?: number;
  /** Milliseconds that balancers may take to follow a switch, before what they leave is ended. */
  switchPatience?: number;
  /** Milliseconds that requests get to end which are under way when an app leaves the balancers. */
  lastRequests?: number;
  /** Milliseconds after which an instance without a check is believed in. */
  settling?: number;
  /** Milliseconds that are waited for a deployment of somebody else before it is cancelled. */
  lockPatience?: number;
}

/** What there is to say something about; `app` is what Marathon shows of the one that is tried. */
export interface Failed {
  deployment: Deployment;
  release: Release;
  place: Place;
  app: MarathonApp | undefined;
}

/** Milliseconds between looks; Marathon's events are only hints, and this is one small answer. */
export const lookEvery = 200;

export interface SiteParts {
  options: SiteOptions;
  deployment: Deployment;
  release: Release;
  /** Seconds. */
  deadline: number;
  dataCentre: DataCentre;
  book: PlaceBook;
  legs: LegClock;
  signal: AbortSignal;
}

/** The app follows another deployment now. */
export class Overtaken extends Error {}

/** The new release is not to stay: what happened, and why as far as that is known. */
export class Unwell extends Error {
  readonly what: string;
  readonly why: string | undefined;

  constructor(what: string, why?: string) {
    super(why === undefined ? what : `${what}: ${why}`);
    this.what = what;
    this.why = why;
  }
}

/** True for an error that says that a Marathon does not answer, or not now. */
export function isAway(error: unknown): boolean {
  return error instanceof RemoteError && error.retryable && /^E_MARATHON_/.test(error.code);
}

export type Site = ReturnType<typeof createSite>;

export function createSite(parts: SiteParts) {
  const { options, deployment, release, deadline, dataCentre, book, legs, signal } = parts;
  const { deployments, exclusively } = options;
  const { id, app: service } = deployment;
  const { marathon, name } = dataCentre;
  const place = () => book.find(name);
  const tried = (app?: MarathonApp) => ({ deployment, release, place: place(), app });

  const site = {
    ...{ options, deployment, release, deadline, legs, signal, marathon, service, place },
    dataCentre: name,
    /** The app that served when it began here, and the one that may be tried beside it. */
    live: () => place().app ?? service,
    other: () => otherAppOf(site.live()),
    note: (change: Partial<Place>) => book.note(name, change),
    look: (app: string) => lookAt(parts, app),
    /** @throws Overtaken */
    async refuseOvertaken(): Promise<void> {
      if ((await deployments.leader(service)) !== id) throw new Overtaken();
    },
    /** Runs what changes something, while this is the deployment that the app follows. */
    asLeader: <T>(work: () => Promise<T>): Promise<T> =>
      exclusively(service, async () => {
        await site.refuseOvertaken();
        return work();
      }),
    /** True once its time is up; what it is only looked at does not count. */
    isLate(): boolean {
      const { begun = Date.now(), held = 0 } = place();
      return Date.now() - begun - held > deadline * 1000;
    },
    explain: (app: MarathonApp | undefined) => options.explain(tried(app)),
    /** Looks until `isSo`, at what Marathon shows of an app, or for so many milliseconds. */
    async until(
      isSo: () => Promise<boolean>,
      { patience, every = lookEvery }: { patience: number; every?: number },
    ): Promise<boolean> {
      const giveUp = Date.now() + patience;
      for (;;) {
        signal.throwIfAborted();
        if (await isSo()) return true;
        if (Date.now() > giveUp) return false;
        await delay(every, undefined, { signal });
      }
    },
  };
  return site;
}

async function lookAt(parts: SiteParts, id: string): Promise<MarathonApp | undefined> {
  const { options, deployment, release, dataCentre, book, signal } = parts;
  const app = await look(dataCentre, id, signal);
  options.notice?.({ deployment, release, place: book.find(dataCentre.name), app });
  return app;
}

/** What Marathon shows of the app. It can refuse a definition for good, but never a look at one. */
export async function look(
  { marathon }: DataCentre,
  app: string,
  signal: AbortSignal,
): Promise<MarathonApp | undefined> {
  try {
    return await marathon.app(app, { signal });
  } catch (error) {
    if (!(error instanceof RemoteError) || error.retryable) throw error;
    throw new RemoteError(error.message, { code: error.code, cause: error });
  }
}
