/** The health of an instance by one check, counted as Marathon counts; pure. */
import { type HealthCheck, runsOnNode } from '../apps/check-definition.ts';

/** As in `healthCheckResults`; times are timestamps. */
export interface Health {
  alive: boolean;
  consecutiveFailures: number;
  firstSuccess?: string;
  lastSuccess?: string;
  lastFailure?: string;
  lastFailureCause?: string;
}

export type Answer = { ok: true } | { ok: false; cause: string };

/** An ignored answer leaves the health as it is. */
export type Reply = Answer | 'ignored';

/** What follows from an answer: the new health, whether the failure counts, and whether to kill. */
export interface Verdict {
  health: Health;
  counted: boolean;
  kill: boolean;
}

interface Observation {
  check: HealthCheck;
  before: Health | undefined;
  answer: Answer;
  /** Milliseconds since the epoch. */
  now: number;
  runningSince: number;
  /** False for the additional early checks, whose failures are shown but never counted. */
  regular: boolean;
}

/**
 * Failures do not count before the first success while the grace period lasts. Marathon shows
 * nothing in that time; here the cause is shown already, with no consecutive failures, so that
 * a deployment that waits can say why.
 */
export function observe({
  check,
  before,
  answer,
  now,
  runningSince,
  regular,
}: Observation): Verdict {
  const at = new Date(now).toISOString();
  if (answer.ok) {
    const health = {
      ...before,
      alive: true,
      consecutiveFailures: 0,
      firstSuccess: before?.firstSuccess ?? at,
      lastSuccess: at,
    };
    return { health, counted: false, kill: false };
  }
  const inGrace = !before?.firstSuccess && now < runningSince + check.gracePeriodSeconds * 1000;
  const counted = regular && !inGrace;
  const failuresBefore = before?.consecutiveFailures ?? 0;
  const consecutiveFailures = failuresBefore + (counted ? 1 : 0);
  return {
    health: {
      ...before,
      alive: false,
      consecutiveFailures,
      lastFailure: at,
      lastFailureCause: answer.cause,
    },
    counted,
    kill: counted && isOver(check, failuresBefore),
  };
}

/** Marathon looks at the count before this failure, a node at the count with it; 0 differs too. */
function isOver(check: HealthCheck, failuresBefore: number): boolean {
  if (runsOnNode(check)) return failuresBefore + 1 >= check.maxConsecutiveFailures;
  return check.maxConsecutiveFailures > 0 && failuresBefore >= check.maxConsecutiveFailures;
}

/** Healthy: each check has answered well last; undefined: there is nothing to say yet. */
export function healthOf(
  checks: number,
  results: readonly (Health | undefined)[],
): boolean | undefined {
  if (checks === 0) return undefined;
  const known = results.slice(0, checks);
  if (known.some((health) => health && !health.alive && isSettled(health))) return false;
  const allAlive = known.length === checks && known.every((health) => health?.alive === true);
  return allAlive ? true : undefined;
}

/** A failure within the grace period says nothing yet. */
function isSettled(health: Health): boolean {
  return health.consecutiveFailures > 0 || health.firstSuccess !== undefined;
}
