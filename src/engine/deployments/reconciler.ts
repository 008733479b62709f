/** Brings each app to what is wanted: one decision after every change, made from the state alone. */
import type { App } from '../apps/app-definition.ts';
import { healthOf } from '../checks/health.ts';
import type { Context } from '../context.ts';
import type { Launcher } from '../launch/launcher.ts';
import type { AppRecord, Instance } from '../state/cluster.ts';
import type { Lifecycle } from '../tasks/lifecycle.ts';
import type { Terminator } from '../tasks/terminator.ts';
import type { Action } from './plan.ts';
import { type Decision, decideRestart, decideScale, type Member } from './rolling.ts';

/** What a deployment asks of an app now; `wait` keeps it as it is until its step comes. */
export interface Wanted {
  action: Action['action'] | 'wait';
  /** The version of the deployment, which is the time of its start. */
  since: string;
}

interface ReconcilerOptions extends Pick<Context, 'cluster' | 'delays' | 'offers'> {
  lifecycle: Lifecycle;
  launcher: Launcher;
  terminator: Terminator;
  wantedOf: (appId: string) => Wanted | undefined;
  /** Told after each pass over an app whether what is wanted of it is reached. */
  onReconciled: (appId: string, done: boolean) => void;
}

export function createReconciler(options: ReconcilerOptions): Reconciler {
  return new Reconciler(options);
}

class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #touched = new Set<string>();
  /** Apps that wait for the end of their delay. */
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #stopped = false;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Has an app looked at soon; many calls before that make one look. */
  touch(appId: string): void {
    if (this.#stopped) return;
    if (this.#touched.size === 0) setImmediate(() => this.#reconcileTouched());
    this.#touched.add(appId);
  }

  touchAll(): void {
    for (const id of this.#options.cluster.records.keys()) this.touch(id);
  }

  /** Kills an instance for good. */
  decommission(instance: Instance): void {
    const { lifecycle, terminator } = this.#options;
    if (instance.goal !== 'Decommissioned') lifecycle.sentenced(instance);
    terminator.kill(instance);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #reconcileTouched(): void {
    const batch = [...this.#touched];
    this.#touched.clear();
    if (this.#stopped) return;
    for (const appId of batch) this.#reconcile(appId);
  }

  #reconcile(appId: string): void {
    const { cluster, lifecycle, wantedOf, onReconciled } = this.#options;
    const record = cluster.records.get(appId);
    const decision = record ? decide(record, wantedOf(appId)) : NOTHING;
    for (const id of decision.kill) {
      const instance = record?.instances.get(id);
      if (instance) this.decommission(instance);
    }
    for (let count = 0; record?.app && count < decision.start; count++) {
      lifecycle.schedule(record.app);
    }
    if (record) this.#launchScheduled(record);
    onReconciled(appId, decision.done);
  }

  #launchScheduled({ id, instances }: AppRecord): void {
    const { cluster, delays, launcher, offers } = this.#options;
    let nextTry = Number.POSITIVE_INFINITY;
    const scheduled = [...instances.values()].filter(isScheduled);
    if (scheduled.length === 0) offers.forget(id);
    // What one instance is declined for, those of the same version are declined for as well.
    const declined = new Set<string>();
    for (const instance of scheduled) {
      if (declined.has(instance.version)) continue;
      const app = cluster.definitionOf(instance);
      const wait = app ? delays.wait(app) : 0;
      if (wait > 0) nextTry = Math.min(nextTry, wait);
      else if (!launcher.launch(instance)) declined.add(instance.version);
    }
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    if (nextTry < Number.POSITIVE_INFINITY) {
      this.#timers.set(
        id,
        setTimeout(() => this.touch(id), nextTry),
      );
    }
  }
}

export type { Reconciler };

const NOTHING: Decision = { start: 0, kill: [], done: true };

function decide({ app, versions, instances }: AppRecord, wanted: Wanted | undefined): Decision {
  const all = [...instances.values()];
  const staying = all.filter(({ goal }) => goal === 'Running');
  if (!app || wanted?.action === 'StopApplication') {
    return { start: 0, kill: staying.map(({ id }) => id), done: all.length === 0 };
  }
  if (wanted?.action === 'StartApplication' || wanted?.action === 'wait') return NOTHING;
  const own = (instance: Instance) =>
    versions.find(({ version }) => version === instance.version) ?? app;
  const members = staying.map((instance) => memberOf(instance, app, own(instance)));
  const dying = all.filter((instance) => isDyingFor(instance, wanted)).length;
  const decide = wanted?.action === 'RestartApplication' ? decideRestart : decideScale;
  return decide({ app, members, dying });
}

/** A deployment waits for the end of those that it has sentenced itself, not for earlier drains. */
function isDyingFor({ goal, sentencedAt = '' }: Instance, wanted: Wanted | undefined): boolean {
  return goal === 'Decommissioned' && sentencedAt >= (wanted?.since ?? '');
}

function isScheduled({ condition }: Instance): boolean {
  return condition === 'Scheduled';
}

/** One that is killed to be started again counts as one that does not run yet. */
function memberOf(instance: Instance, app: App, own: App): Member {
  const { id, version, condition, startedAt, scheduledAt } = instance;
  const outdated = version < app.versionInfo.lastConfigChangeAt;
  return {
    id,
    outdated,
    latest: version === app.version,
    // Whether an old one was ever found ready says nothing of what it serves now.
    healthy: isHealthy(instance, own) && (outdated || isReady(instance, own)),
    condition: condition === 'Killing' ? 'Scheduled' : condition,
    since: Date.parse(startedAt ?? scheduledAt),
  };
}

function isHealthy(instance: Instance, app: App): boolean {
  if (instance.condition !== 'Running') return false;
  const checks = app.healthChecks?.length ?? 0;
  return checks === 0 || healthOf(checks, instance.health) === true;
}

function isReady({ readiness }: Instance, app: App): boolean {
  return !app.readinessChecks || readiness?.ready === true;
}
