/** What people set for an environment of a project, beside what the manifest says. */

/** While it holds, nothing is deployed but by somebody who says that it shall be all the same. */
export interface Freeze {
  reason: string;
  by: string;
  /** Milliseconds since the epoch. */
  at: number;
  /** When it ends by itself. */
  until?: number;
}

export interface EnvironmentSettings {
  /** False: images are built, and deployed when a person says so. */
  autoDeploy: boolean;
  freeze?: Freeze;
}

/** Keeps settings by project and environment; what was never set is `{ autoDeploy: true }`. */
export interface EnvironmentSettingsStore {
  find(project: number, environment: string): Promise<EnvironmentSettings>;
  save(project: number, environment: string, settings: EnvironmentSettings): Promise<void>;
  /** Of all environments of the project for which something is set. */
  list(project: number): Promise<Map<string, EnvironmentSettings>>;
}

/** Why what comes by itself is not deployed there now, in one sentence; undefined when it is. */
export function holdOf(
  { autoDeploy, freeze }: EnvironmentSettings,
  environment: string,
  now: number,
): string | undefined {
  if (isFrozen(freeze, now)) return `${environment} is frozen by ${freeze.by}: ${freeze.reason}`;
  return autoDeploy ? undefined : `deploying to ${environment} by itself is switched off`;
}

/** True while the freeze holds. */
export function isFrozen(freeze: Freeze | undefined, now: number): freeze is Freeze {
  return freeze !== undefined && (freeze.until === undefined || now < freeze.until);
}
