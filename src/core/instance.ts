/** An Instance is one container that an app has: a Marathon task. */

/** `starting` until it is known to be well; `stopping` once it is to end. */
export type InstanceState = 'waiting' | 'starting' | 'healthy' | 'unhealthy' | 'stopping';

export interface Instance {
  /** Marathon's task id. */
  id: string;
  state: InstanceState;
  /** Why it is not healthy, in one sentence, where something is known. */
  reason?: string;
  dataCentre?: string;
  /** Host by which Marathon names the node. */
  host?: string;
  /** Ports on that host, in the order of the definition. */
  ports: number[];
  /** Marathon's version of the definition that it was started with. */
  version?: string;
  /** Milliseconds since the epoch. */
  startedAt?: number;
  /** True when balancers send it requests. */
  isRouted: boolean;
}

/**
 * The app of an instance, such as `/shop/web/production/web`, read from the task's id alone:
 * Marathon writes `_` for each `/`, and an app's id holds no `_` (Marathon's core/instance/Instance.scala).
 */
export function appOfInstance(id: string): string | undefined {
  const name = /^([a-z0-9._-]+)\.(?:instance-|marathon-)?[0-9a-f]{8}-/.exec(id)?.[1];
  return name === undefined ? undefined : `/${name.replaceAll('_', '/')}`;
}

/** Enough of a task's id to tell it from others: the beginning of its UUID, which Marathon makes of the time. */
export function shortId(id: string): string {
  return /\.(?:instance-|marathon-)?([0-9a-f]{8})-/.exec(id)?.[1] ?? id;
}
