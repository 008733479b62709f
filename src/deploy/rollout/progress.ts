/** Judges from Marathon's answer how far a deployment is, and says in one sentence why it is not further. */
import type { MarathonApp, MarathonTask } from '../../clients/marathon.ts';
import type { Deployment } from '../../core/deployment.ts';
import { whyOf } from '../why/why.ts';

export interface Progress {
  /** New instances that run, and those of them that pass their checks. */
  running: MarathonTask[];
  healthy: MarathonTask[];
  isRunning: boolean;
  isHealthy: boolean;
}

/** True for the versions of the instances that count. */
export type IsOurs = (version: string | undefined) => boolean;

/**
 * Tells the instances of a release. Marathon answers a definition that it has already, as after a lost
 * answer, with a version that no instance will ever have; instances that scaling added have a newer one.
 */
export function versionsOf(
  app: MarathonApp | undefined,
  { release, marathon }: Pick<Deployment, 'release' | 'marathon'>,
): IsOurs {
  if (app === undefined || app.labels['ekiden.release'] !== String(release)) {
    return (version) => version !== undefined && version === marathon?.version;
  }
  const since = app.versionInfo?.lastConfigChangeAt ?? app.version;
  return (version) => version !== undefined && version >= since;
}

export interface Looking {
  /** The old instances are healthy anyway. */
  isOurs: IsOurs;
  /** Whether an instance has run long enough to believe in it where nothing checks it. */
  hasSettled: (task: MarathonTask) => boolean;
}

/** How many instances are wanted says the app itself, since people scale it. */
export function progressOf(app: MarathonApp, { isOurs, hasSettled }: Looking): Progress {
  const running = app.tasks.filter((task) => isOurs(task.version) && task.state === 'TASK_RUNNING');
  const checked = app.healthChecks.length > 0;
  const healthy = running.filter((task) => (checked ? isAlive(task) : hasSettled(task)));
  return {
    running,
    healthy,
    isRunning: running.length >= app.instances,
    isHealthy: healthy.length >= app.instances,
  };
}

function isAlive({ healthCheckResults }: MarathonTask): boolean {
  return healthCheckResults.length > 0 && healthCheckResults.every((result) => result.alive);
}

/** The most telling fact about the instances that are ours, from Marathon's answer alone. */
export function whyNotHealthy(app: MarathonApp | undefined, isOurs: IsOurs): string {
  return whyOf({ app, isOurs });
}
