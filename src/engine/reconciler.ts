/** Brings each app to what is wanted: one decision after every change, made from the state alone. */
import type { App } from './app-definition.ts';
import type { AppRecord, Cluster, Instance } from './cluster.ts';
import { healthOf } from './health.ts';
import type { LaunchDelays } from './launch-delays.ts';
import type { Launcher } from './launcher.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Action } from './plan.ts';
import { type Decision, decideRestart, decideScale, type Member } from './rolling.ts';
import type { Terminator } from './terminator.ts';

/** What a deployment asks of an app now; `wait` keeps it as it is until its step comes. */
export type Wanted = Action['action'] | 'wait' | undefined;

interface ReconcilerOptions {
  cluster: Cluster;
  lifecycle: Lifecycle;
  launcher: Launcher;
  terminator: Terminator;
  delays: LaunchDelays;
  wantedOf: (appId: string) => Wanted;
  /** Told after each pass over an app whether what is wanted of it is reached. */
  onReconciled: (appId: string, done: boolean) => void;
}

export type Reconciler = ReturnType<typeof createReconciler>;

export function createReconciler(options: ReconcilerOptions) {
  const { cluster, lifecycle, launcher, terminator, delays } = options;
  const touched = new Set<string>();
  const timers = new Map<string, NodeJS.Timeout>();
  let stopped = false;

  function reconcileTouched(): void {
    const batch = [...touched];
    touched.clear();
    for (const appId of batch) reconcile(appId);
  }

  function touch(appId: string): void {
    if (stopped) return;
    if (touched.size === 0) setImmediate(reconcileTouched);
    touched.add(appId);
  }

  function reconcile(appId: string): void {
    const record = cluster.records.get(appId);
    const decision = record ? decide(record, options.wantedOf(appId)) : NOTHING;
    for (const id of decision.kill) {
      const instance = record?.instances.get(id);
      if (instance) decommission(instance);
    }
    for (let count = 0; record?.app && count < decision.start; count++) {
      lifecycle.schedule(record.app);
    }
    if (record) launchScheduled(record);
    options.onReconciled(appId, decision.done);
  }

  function decommission(instance: Instance): void {
    instance.goal = 'Decommissioned';
    cluster.changed(instance.appId);
    terminator.kill(instance);
  }

  function launchScheduled({ id, instances }: AppRecord): void {
    let nextTry = Number.POSITIVE_INFINITY;
    for (const instance of instances.values()) {
      if (instance.condition !== 'Scheduled') continue;
      const app = cluster.definitionOf(instance);
      const wait = app ? delays.wait(app) : 0;
      if (wait === 0) launcher.launch(instance);
      else nextTry = Math.min(nextTry, wait);
    }
    clearTimeout(timers.get(id));
    timers.delete(id);
    if (nextTry === Number.POSITIVE_INFINITY) return;
    timers.set(
      id,
      setTimeout(() => touch(id), nextTry),
    );
  }

  return {
    touch,
    decommission,
    touchAll: (): void => {
      for (const id of cluster.records.keys()) touch(id);
    },
    stop: (): void => {
      stopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}

const NOTHING: Decision = { start: 0, kill: [], done: true };

function decide({ app, versions, instances }: AppRecord, wanted: Wanted): Decision {
  const all = [...instances.values()];
  const own = (instance: Instance) =>
    versions.find(({ version }) => version === instance.version) ?? (app as App);
  const staying = all.filter(({ goal }) => goal === 'Running');
  if (!app || wanted === 'StopApplication') {
    return { start: 0, kill: staying.map(({ id }) => id), done: all.length === 0 };
  }
  if (wanted === 'StartApplication' || wanted === 'wait') return NOTHING;
  const members = staying.map((instance) => memberOf(instance, app, own(instance)));
  const situation = { app, members, dying: all.length - staying.length };
  return wanted === 'RestartApplication' ? decideRestart(situation) : decideScale(situation);
}

/** One that is killed to be started again counts as one that does not run yet. */
function memberOf(instance: Instance, app: App, own: App): Member {
  const { id, version, condition, startedAt, scheduledAt } = instance;
  return {
    id,
    outdated: version < app.versionInfo.lastConfigChangeAt,
    latest: version === app.version,
    healthy: isUp(instance, own),
    condition: condition === 'Killing' ? 'Scheduled' : condition,
    since: Date.parse(startedAt ?? scheduledAt),
  };
}

/** Running, healthy where there are checks, and ready where readiness is asked for. */
function isUp(instance: Instance, app: App): boolean {
  if (instance.condition !== 'Running') return false;
  const checks = app.healthChecks?.length ?? 0;
  if (checks > 0 && healthOf(checks, instance.health) !== true) return false;
  return !app.readinessChecks || instance.ready === true;
}
