/** The back-off of every app, held apart for each configuration; in memory only, as in Marathon. */
import type { App } from '../apps/app-definition.ts';
import { afterFailure, afterStart, current, type Delay, waitOf } from './backoff.ts';

export type LaunchDelays = ReturnType<typeof createLaunchDelays>;

export function createLaunchDelays() {
  const delays = new Map<string, Map<string, Delay>>();

  function of(app: App): Delay | undefined {
    return delays.get(app.id)?.get(app.versionInfo.lastConfigChangeAt);
  }

  function set(app: App, delay: Delay | undefined): void {
    if (!delay) return;
    const ofApp = delays.get(app.id) ?? new Map<string, Delay>();
    ofApp.set(app.versionInfo.lastConfigChangeAt, delay);
    delays.set(app.id, ofApp);
  }

  return {
    failed: (app: App): void => set(app, afterFailure(of(app), app, Date.now())),
    started: (app: App): void => set(app, afterStart(of(app), app, Date.now())),

    /** Milliseconds until the next launch is allowed. */
    wait: (app: App): number => waitOf(current(of(app), app, Date.now()), Date.now()),

    reset: (appId: string): void => {
      delays.delete(appId);
    },
  };
}
