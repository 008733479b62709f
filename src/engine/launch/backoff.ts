/** Back-off between launches of an app that keeps failing, by Marathon's rules; pure. */
import type { App } from '../apps/app-definition.ts';

/** Times in milliseconds since the epoch. */
export interface Delay {
  seconds: number;
  until: number;
}

type Settings = Pick<App, 'backoffSeconds' | 'backoffFactor' | 'maxLaunchDelaySeconds'>;

/** The delay after an instance failed or finished: longer each time, up to the maximum. */
export function afterFailure(delay: Delay | undefined, app: Settings, now: number): Delay {
  const known = current(delay, app, now);
  const next = known ? known.seconds * app.backoffFactor : app.backoffSeconds;
  const seconds = Math.min(next, app.maxLaunchDelaySeconds);
  return { seconds, until: now + seconds * 1000 };
}

/** A start sets a running delay to its beginning, without making it longer. */
export function afterStart(
  delay: Delay | undefined,
  app: Settings,
  now: number,
): Delay | undefined {
  const known = current(delay, app, now);
  return known && { ...known, until: now + known.seconds * 1000 };
}

/** Forgets a delay after a quiet time of the maximum delay beyond its end. */
export function current(delay: Delay | undefined, app: Settings, now: number): Delay | undefined {
  return delay && now <= delay.until + app.maxLaunchDelaySeconds * 1000 ? delay : undefined;
}

/** Milliseconds until the next launch is allowed. */
export function waitOf(delay: Delay | undefined, now: number): number {
  return delay ? Math.max(0, delay.until - now) : 0;
}
