/** Switches off hooks that fail again and again, as GitLab does where that is enabled. */
import type { Hook, HookLog } from './hooks.ts';

/** Failures that a hook may have in a row before it is off for a while, and for good. */
const FIRST_PAUSE = 4;
const LAST = 40;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export function isDisabled(hook: Hook, now: number): boolean {
  return now < hook.disabledUntil;
}

/** One minute after four failures, twice as long after each further one up to a day, then for good. */
export function countFailure(hook: Hook, log: HookLog, now: number): void {
  const isFailure = !/^[23]/.test(log.status);
  hook.failures = isFailure ? hook.failures + 1 : 0;
  const pause = Math.min(DAY_MS, MINUTE_MS * 2 ** (hook.failures - FIRST_PAUSE));
  if (hook.failures < FIRST_PAUSE) hook.disabledUntil = 0;
  else hook.disabledUntil = hook.failures < LAST ? now + pause : Number.POSITIVE_INFINITY;
}

/** How the API tells of it. */
export function alertOf(hook: Hook, now: number) {
  if (!isDisabled(hook, now)) return { alert_status: 'executable', disabled_until: null };
  if (!Number.isFinite(hook.disabledUntil)) {
    return { alert_status: 'disabled', disabled_until: null };
  }
  const disabled_until = new Date(hook.disabledUntil).toISOString();
  return { alert_status: 'temporarily_disabled', disabled_until };
}
