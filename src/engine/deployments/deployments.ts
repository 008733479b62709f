/** Runs deployments: locks, steps one after another, cancels, rolls back, and tells of it all. */
import { randomUUID } from 'node:crypto';
import { ApiError, invalidObject, locked } from '../api/api-error.ts';
import { restarted, versioned } from '../apps/app-change.ts';
import type { App } from '../apps/app-definition.ts';
import type { Context } from '../context.ts';
import { changedRoot, differences, type Group, type Root, takenBack } from '../groups/group.ts';
import type { Deployment } from '../state/cluster.ts';
import { affectedApps, planSteps, type Step } from './plan.ts';
import type { Wanted } from './reconciler.ts';

/** Wanted definitions by id; null removes the app. */
export type Targets = Map<string, App | null>;

/** Wanted groups by id; null removes the group. */
export type GroupTargets = Map<string, Group | null>;

export interface Change {
  targets: Targets;
  groups?: GroupTargets;
  /** Cancel the deployments that hold the apps. */
  force: boolean;
  version: string;
}

export interface DeploymentResult {
  deploymentId: string;
  version: string;
}

interface DeploymentsOptions extends Pick<Context, 'cluster' | 'publish' | 'clock' | 'touch'> {
  /** An app has a new configuration: whatever delayed the old one is over. */
  onNewConfig: (appId: string) => void;
}

/** Each takes memory while it waits; a node has room, and ports, for far fewer. */
const MAX_INSTANCES = 10_000;

/** Marathon's `--max_running_deployments`. */
const MAX_RUNNING = 100;

export function createDeployments(options: DeploymentsOptions): Deployments {
  return new Deployments(options);
}

class Deployments {
  readonly #options: DeploymentsOptions;
  /** Apps that have reached what the current step wants, by deployment; forgotten at each step. */
  readonly #reached = new Map<string, Set<string>>();

  constructor(options: DeploymentsOptions) {
    this.#options = options;
  }

  /** Makes the targets current and starts to bring them about; 409 when other deployments hold the apps. */
  apply(change: Change): DeploymentResult {
    const { force, version } = change;
    const root = this.#options.cluster.root();
    const target = targetOf(root, change);
    const steps = planSteps(root, target);
    const affected = affectedApps(steps);
    this.#giveWay(affected, force);
    const groups = differences(root.groups, target.groups);
    const deployment: Deployment = {
      id: randomUUID(),
      version,
      steps,
      currentStep: 0,
      originals: picked(root.apps, affected),
      targets: picked(target.apps, affected),
      groups: {
        originals: picked(root.groups, groups.keys()),
        targets: Object.fromEntries(groups),
      },
    };
    this.#take(deployment, root, change);
    // The write itself is told of first.
    queueMicrotask(() => {
      if (this.#options.cluster.deployments.has(deployment.id)) this.#begin(deployment);
    });
    return { deploymentId: deployment.id, version };
  }

  /** The steps that a change would take. */
  plan(change: Change): Step[] {
    const root = this.#options.cluster.root();
    return planSteps(root, targetOf(root, change));
  }

  /** Goes on with what an earlier process of the engine began. */
  resume(): void {
    const { cluster } = this.#options;
    for (const deployment of cluster.deployments.values()) {
      const groups = Object.entries(deployment.groups?.targets ?? {});
      const isTaken = (cluster.groupsVersion ?? '') >= deployment.version;
      if (groups.length > 0 && !isTaken) cluster.setGroups(groups, deployment.version);
      for (const [id, app] of Object.entries(deployment.targets)) {
        if (cluster.record(id).app?.version !== app?.version) cluster.setApp(id, app);
      }
      this.#begin(deployment);
    }
  }

  wantedOf(appId: string): Wanted | undefined {
    const [deployment] = this.#options.cluster.deploymentsOf(appId);
    if (!deployment) return undefined;
    const actions = deployment.steps[deployment.currentStep]?.actions ?? [];
    const action = actions.find(({ app }) => app === appId)?.action ?? 'wait';
    return { action, since: deployment.version };
  }

  /** Takes note that an app is where its step wants it, and goes on when all are. */
  onReconciled(appId: string, done: boolean): void {
    if (!done) return;
    for (const deployment of this.#options.cluster.deploymentsOf(appId)) {
      const step = deployment.steps[deployment.currentStep];
      const reached = this.#reached.get(deployment.id);
      if (!step || !reached || !step.actions.some(({ app }) => app === appId)) continue;
      if (isStopped(step, appId) && !reached.has(appId)) {
        this.#options.publish('app_terminated_event', { appId });
      }
      reached.add(appId);
      if (step.actions.every(({ app }) => reached.has(app))) this.#advance(deployment, step);
    }
  }

  /** Stops a deployment where it is. */
  cancel(id: string): void {
    this.#fail(this.#find(id), 'The upgrade has been cancelled');
  }

  /** Deploys the definitions from before a running deployment; always by force. */
  rollback(id: string): DeploymentResult {
    const { cluster, clock, publish } = this.#options;
    const version = clock.next();
    const targets: Targets = new Map();
    const { originals, groups } = this.#find(id);
    for (const [appId, original] of Object.entries(originals)) {
      targets.set(appId, original && revived(cluster.record(appId).app, original, version));
    }
    const before = takenBack(cluster.root(), targets, groups?.originals ?? {});
    const result = this.apply({ targets, groups: before, force: true, version });
    publish('group_change_success', { groupId: '/', version });
    return result;
  }

  /** Cancels what holds the apps, or throws. */
  #giveWay(affected: string[], force: boolean): void {
    const { cluster } = this.#options;
    const conflicts = new Set(affected.flatMap((id) => cluster.deploymentsOf(id)));
    this.#ensureAllowed([...conflicts], force);
    for (const conflict of conflicts) this.#fail(conflict, 'The upgrade has been cancelled');
  }

  /** Makes it all current, in an order of which any beginning can be made good at the next start. */
  #take(deployment: Deployment, root: Root, { targets, version }: Change): void {
    const { cluster } = this.#options;
    const changed = [...targets].filter(([id, app]) => root.apps.get(id)?.version !== app?.version);
    const groups = deployment.groups ?? { originals: {}, targets: {} };
    const apps = picked(root.apps, new Map(changed).keys());
    cluster.remember({ version, apps, groups: groups.originals });
    cluster.deployments.set(deployment.id, deployment);
    cluster.deploymentsChanged();
    const moved = Object.entries(groups.targets);
    if (moved.length > 0) cluster.setGroups(moved, version);
    for (const [id, app] of targets) this.#install(id, root.apps.get(id), app);
  }

  #ensureAllowed(conflicts: Deployment[], force: boolean): void {
    if (this.#options.cluster.deployments.size >= MAX_RUNNING) {
      throw new ApiError(
        403,
        `Max number (${MAX_RUNNING}) of running deployments is achieved. ` +
          'Wait for existing deployments to complete or cancel one using force=true parameter. ' +
          'You can increase max deployment number by using --max_running_deployments parameter ' +
          'but be advised that this can have negative effects on the performance.',
      );
    }
    if (conflicts.length > 0 && !force) throw locked(conflicts.map(({ id }) => id));
  }

  #install(id: string, before: App | undefined, after: App | null): void {
    this.#options.cluster.setApp(id, after);
    const config = after?.versionInfo.lastConfigChangeAt;
    if (config !== before?.versionInfo.lastConfigChangeAt) {
      this.#options.onNewConfig(id);
      this.#announceChecks(id, before, after);
    }
    this.#options.touch(id);
  }

  #announceChecks(appId: string, before: App | undefined, after: App | null): void {
    const { publish } = this.#options;
    for (const _ of before?.healthChecks ?? []) publish('remove_health_check_event', { appId });
    const version = after?.version;
    for (const healthCheck of after?.healthChecks ?? []) {
      publish('add_health_check_event', { appId, version, healthCheck });
    }
  }

  #begin(deployment: Deployment): void {
    const step = deployment.steps[deployment.currentStep];
    this.#reached.set(deployment.id, new Set());
    if (!step) {
      this.#succeed(deployment);
      return;
    }
    this.#options.publish('deployment_info', { plan: planOf(deployment), currentStep: step });
    for (const { app } of step.actions) this.#options.touch(app);
  }

  #advance(deployment: Deployment, currentStep: Step): void {
    const { publish, cluster } = this.#options;
    publish('deployment_step_success', { plan: planOf(deployment), currentStep });
    deployment.currentStep += 1;
    cluster.deploymentsChanged();
    this.#begin(deployment);
  }

  #succeed(deployment: Deployment): void {
    this.#forget(deployment);
    const { id } = deployment;
    this.#options.publish('deployment_success', { id, plan: planOf(deployment) });
  }

  #fail(deployment: Deployment, reason: string): void {
    const { publish } = this.#options;
    this.#forget(deployment);
    const plan = planOf(deployment);
    const currentStep = deployment.steps[deployment.currentStep];
    if (currentStep) publish('deployment_step_failure', { plan, currentStep });
    publish('deployment_failed', { id: deployment.id, plan, reason });
  }

  #forget(deployment: Deployment): void {
    const { cluster, touch } = this.#options;
    cluster.deployments.delete(deployment.id);
    this.#reached.delete(deployment.id);
    cluster.deploymentsChanged();
    for (const id of Object.keys(deployment.targets)) touch(id);
  }

  #find(id: string): Deployment {
    const found = this.#options.cluster.deployments.get(id);
    if (!found) throw new ApiError(404, `DeploymentPlan ${id} does not exist`);
    return found;
  }
}

export type { Deployments };

function isStopped({ actions }: Step, appId: string): boolean {
  return actions.some(({ action, app }) => app === appId && action === 'StopApplication');
}

function revived(current: App | undefined, original: App, version: string): App {
  return current ? versioned(current, original, version) : restarted(original, version);
}

/** Throws 422 for what cannot be, or cannot be borne. */
function targetOf(root: Root, { targets, groups = new Map() }: Change): Root {
  for (const app of targets.values()) {
    if (app === null || app.instances <= MAX_INSTANCES) continue;
    throw invalidObject([{ path: '/instances', errors: [`is greater than ${MAX_INSTANCES}`] }]);
  }
  return changedRoot(root, { apps: targets, groups });
}

/** The values of some ids; null for those that are not there. */
function picked<T>(
  values: ReadonlyMap<string, T>,
  ids: Iterable<string>,
): Record<string, T | null> {
  return Object.fromEntries([...ids].map((id) => [id, values.get(id) ?? null]));
}

/** The plan as events show it, without the groups, as Marathon ≥ 1.7 does. */
export function planOf({ id, steps, version }: Deployment): {
  id: string;
  steps: Step[];
  version: string;
} {
  return { id, steps, version };
}
