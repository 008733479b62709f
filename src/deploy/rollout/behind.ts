/** Tells where a service is not as its last good release has it. */
import type { DataCentres, PlacedApp } from '../../clients/data-centres.ts';
import { type DeploymentStore, isOpen } from '../../core/deployment.ts';
import type { Log } from '../../core/log.ts';
import type { NumberedBy, Release, ReleaseStore, ScaleStore } from '../../core/release.ts';
import type { TrafficStore } from '../../core/traffic.ts';
import { leaderOf } from '../leader.ts';
import { liveOf, releaseOf } from './live.ts';
import { progressOf, versionsOf } from './progress.ts';

export interface CatchingUpOptions {
  dataCentres: Pick<DataCentres, 'list' | 'find' | 'defaults' | 'apps'>;
  install: string;
  deployments: Pick<DeploymentStore, 'leader' | 'find' | 'update'>;
  releases: Pick<ReleaseStore, 'find' | 'lastGood' | 'standing' | 'markGood' | 'markBad'>;
  scales: Pick<ScaleStore, 'find'>;
  traffic: Pick<TrafficStore, 'find' | 'save'>;
  isFree: (app: string, instances: string[]) => Promise<boolean>;
  exclusively: <T>(app: string, work: () => Promise<T>) => Promise<T>;
  /** Makes records of releases again where those of the environment were lost. */
  ensureNumbered?: (where: NumberedBy) => Promise<void>;
  /** Is told of the deployment that an app follows once its release proved to be good after all. */
  onGood?: (deployment: string) => Promise<void>;
  log: Log;
  /** Milliseconds that new instances may take until the next service has its turn. */
  patience?: number;
  /** Milliseconds that requests get to end which are under way when an app leaves the balancers. */
  lastRequests?: number;
}

/** A service in one data centre. */
export interface There {
  service: string;
  dataCentre: string;
}

export interface BehindFacts {
  /** Number of the release that the service has. */
  wanted: number;
  /** Of the one that runs there; undefined where none does. */
  running: number | undefined;
  /** True when the one that runs there did not work. */
  isBad: boolean;
  /** True when somebody went back to the wanted one. */
  isAskedBack: boolean;
}

/** Older ones are never sent over newer ones, unless these did not work or somebody went back. */
export function hasToFollow({ wanted, running, isBad, isAskedBack }: BehindFacts): boolean {
  if (running === wanted) return false;
  return running === undefined || running < wanted || isBad || isAskedBack;
}

/** While it is deployed, whoever does that decides what runs where; what was taken down stays so. */
export async function isSettled(
  { deployments }: Pick<CatchingUpOptions, 'deployments'>,
  service: string,
): Promise<boolean> {
  const leader = await leaderOf(deployments, service);
  return leader !== undefined && !isOpen(leader);
}

/** True for a service that never worked, and whose last deployment failed and ended before it was gone. */
export async function isLeftBehind(
  { releases, deployments }: Pick<CatchingUpOptions, 'releases' | 'deployments'>,
  service: string,
): Promise<boolean> {
  const leader = await leaderOf(deployments, service);
  if (leader?.state !== 'failed' || leader.failure === undefined) return false;
  return (await releases.lastGood(service)) === undefined;
}

/** True where another release serves than the service has, and that is to change. */
export async function isBehind(
  { releases, deployments, traffic }: CatchingUpOptions,
  { app: service, number: wanted }: Release,
  there: PlacedApp[],
): Promise<boolean> {
  const [first] = there;
  const live = liveOf(there, await traffic.find(service), first?.dataCentre);
  const serving = there.find(({ id }) => id === live);
  const running = serving && releaseOf(serving);
  if (running === wanted) return false;
  const leader = await leaderOf(deployments, service);
  if (!leader || isOpen(leader)) return false;
  const standing = running === undefined ? undefined : await releases.standing(service, running);
  return hasToFollow({
    ...{ wanted, running, isBad: standing?.state === 'bad' },
    isAskedBack: leader.kind === 'rollback' && leader.release === wanted,
  });
}

/**
 * True when the release is healthy in all of its data centres. One of them may be away, or have another name in
 * the settings by now, and then what runs elsewhere may be all that there is.
 */
export function servesIn(
  places: readonly string[],
  { number }: Pick<Release, 'number'>,
  apps: readonly PlacedApp[],
): boolean {
  const serving = apps.filter((app) => {
    const isOurs = versionsOf(app, { release: number });
    return (
      releaseOf(app) === number && progressOf(app, { isOurs, hasSettled: () => true }).isHealthy
    );
  });
  return places.every((place) => serving.some(({ dataCentre }) => dataCentre === place));
}
