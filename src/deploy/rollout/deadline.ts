/** Decides how long a deployment may take; a function of data. */
import type { DeploySpec } from '../../core/manifest.ts';

export interface DeadlineFacts {
  /** What the manifest says. */
  manifest: DeploySpec['deadline'];
  /** What EKIDEN_DEPLOY_DEADLINE says. */
  setting: number | undefined;
  /** Seconds that successful deployments of the app took, at most the last 50. */
  durations: readonly number[];
}

/** How many deployments say enough about the next one. */
const enough = 10;
/** Seconds. */
export const leastAtFirst = 300;
const least = 60;
const factor = 3;

/** Seconds: what somebody said, else three times what 95 of 100 deployments of the app took. */
export function deadlineOf({ manifest, setting, durations }: DeadlineFacts): number {
  if (manifest !== undefined) return manifest;
  if (setting !== undefined) return setting;
  const learnt = Math.ceil(factor * percentile(durations, 0.95));
  return Math.max(learnt, durations.length < enough ? leastAtFirst : least);
}

/** The smallest value that at least `share` of all values do not exceed (nearest rank); 0 of none. */
function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
}
