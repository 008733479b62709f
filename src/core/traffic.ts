/** Which instances of a service get how many of its requests, where that is not the same for all. */

/**
 * Weight of each instance: 1 where all are alike, 0 for no new requests. Keys are ids of instances, apps in
 * one data centre (`placedApp`) and ids of apps; the most exact one goes first. Of two apps that both get
 * requests, one may have a percentage of them beside that (`percentOf`).
 */
export type Weights = Record<string, number>;

/** Names an app in one data centre, where several have apps of the same id. */
export function placedApp(app: string, dataCentre: string): string {
  return `${app}@${dataCentre}`;
}

/**
 * Names how many of 100 requests in the data centre the app gets, however many instances it and the one
 * beside it have; without that each instance gets as many as another.
 */
export function percentOf(app: string, dataCentre: string): string {
  return `${placedApp(app, dataCentre)}%`;
}

/** What is kept of an instance; undefined where nothing is said of it or of its app. */
export function weightIn(
  weights: Weights,
  {
    instance,
    app,
    dataCentre,
  }: { instance?: string; app: string; dataCentre?: string | undefined },
): number | undefined {
  const own = instance === undefined ? undefined : weights[instance];
  const placed = dataCentre === undefined ? undefined : weights[placedApp(app, dataCentre)];
  return own ?? placed ?? weights[app];
}

/** Ending of the id of the app that runs beside a service's first one while a release is tried. */
const otherEnding = '.alt';

/** The id that names the service, whichever of its two apps is meant. */
export function serviceAppOf(id: string): string {
  return id.endsWith(otherEnding) ? id.slice(0, -otherEnding.length) : id;
}

/** Of the two ids that a service's apps may have, the other one. */
export function otherAppOf(id: string): string {
  const app = serviceAppOf(id);
  return id === app ? `${app}${otherEnding}` : app;
}

/** What belongs to a release: weights but those of the service's own two apps, between which rollouts share. */
export function keptWeights(weights: Weights, app: string): Weights {
  return pick(weights, (key) => !isOwn(key, app));
}

/** The weights that a release had, and of the service's own two apps those of now. */
export function restoredWeights(now: Weights, app: string, kept: Weights): Weights {
  return { ...keptWeights(kept, app), ...pick(now, (key) => isOwn(key, app)) };
}

function isOwn(key: string, app: string): boolean {
  return serviceAppOf(key.split('@', 1)[0] ?? '') === app;
}

function pick(weights: Weights, isMeant: (key: string) => boolean): Weights {
  return Object.fromEntries(Object.entries(weights).filter(([key]) => isMeant(key)));
}

/** Keeps weights by service, and tells balancers of each change. */
export interface TrafficStore {
  /** By id of the service's app; empty where all count the same. */
  find(app: string): Promise<Weights>;
  /** So many milliseconds no new requests go to these instances of the service, which are about to end; 0 ends it. */
  drain(app: string, instances: string[], milliseconds: number): Promise<void>;
  /** Of all services, with what is drained now. */
  all(): Promise<Map<string, Weights>>;
  /** Replaces what was kept; empty forgets. */
  save(app: string, weights: Weights): Promise<void>;
  /** Calls back after each change until `signal` aborts; also after a lost connection is back. */
  watch(onChange: () => void, signal: AbortSignal): Promise<void>;
}
