/** Runs deployments: locks, steps one after another, cancels, rolls back, and tells of it all. */
import { randomUUID } from 'node:crypto';
import { ApiError, locked } from './api-error.ts';
import { restarted, versioned } from './app-change.ts';
import type { App } from './app-definition.ts';
import type { Cluster, Deployment } from './cluster.ts';
import type { Publish } from './event-stream.ts';
import { affectedApps, planSteps, type Step } from './plan.ts';
import type { Wanted } from './reconciler.ts';
import type { VersionClock } from './version-clock.ts';

/** Wanted definitions by id; null removes the app. */
export type Targets = Map<string, App | null>;

export interface DeploymentResult {
  deploymentId: string;
  version: string;
}

interface DeploymentsOptions {
  cluster: Cluster;
  publish: Publish;
  clock: VersionClock;
  /** Looks at an app again. */
  touch: (appId: string) => void;
  /** An app has a new configuration: whatever delayed the old one is over. */
  onNewConfig: (appId: string) => void;
}

/** Marathon's `--max_running_deployments`. */
const MAX_RUNNING = 100;

export type Deployments = ReturnType<typeof createDeployments>;

export function createDeployments(options: DeploymentsOptions) {
  const { cluster, publish, clock, touch } = options;
  /** Apps that have reached what the current step wants, by deployment; forgotten at each step. */
  const reached = new Map<string, Set<string>>();

  function apply(targets: Targets, force: boolean, version: string): DeploymentResult {
    const original = cluster.apps();
    const steps = planSteps(original, overlaid(original, targets));
    const affected = affectedApps(steps);
    const conflicts = affected.flatMap((id) => cluster.deploymentsOf(id));
    ensureAllowed(conflicts, force);
    for (const conflict of new Set(conflicts)) fail(conflict, 'The upgrade has been cancelled');

    const deployment: Deployment = {
      id: randomUUID(),
      version,
      steps,
      currentStep: 0,
      originals: Object.fromEntries(affected.map((id) => [id, original.get(id) ?? null])),
      targets: Object.fromEntries(affected.map((id) => [id, targets.get(id) ?? null])),
    };
    cluster.deployments.set(deployment.id, deployment);
    cluster.deploymentsChanged();
    for (const [id, app] of targets) install(id, original.get(id), app);
    begin(deployment);
    return { deploymentId: deployment.id, version };
  }

  function ensureAllowed(conflicts: Deployment[], force: boolean): void {
    if (cluster.deployments.size >= MAX_RUNNING) {
      throw new ApiError(
        403,
        `Max number (${MAX_RUNNING}) of running deployments is achieved. ` +
          'Wait for existing deployments to complete or cancel one.',
      );
    }
    if (conflicts.length > 0 && !force) throw locked([...new Set(conflicts.map(({ id }) => id))]);
  }

  function install(id: string, before: App | undefined, after: App | null): void {
    cluster.setApp(id, after);
    const config = after?.versionInfo.lastConfigChangeAt;
    if (config !== before?.versionInfo.lastConfigChangeAt) options.onNewConfig(id);
    touch(id);
  }

  function begin(deployment: Deployment): void {
    const step = deployment.steps[deployment.currentStep];
    reached.set(deployment.id, new Set());
    if (!step) {
      succeed(deployment);
      return;
    }
    publish('deployment_info', { plan: planOf(deployment), currentStep: step });
    for (const { app } of step.actions) touch(app);
  }

  function succeed(deployment: Deployment): void {
    forget(deployment);
    publish('deployment_success', { id: deployment.id, plan: planOf(deployment) });
  }

  function fail(deployment: Deployment, reason: string): void {
    forget(deployment);
    const plan = planOf(deployment);
    const currentStep = deployment.steps[deployment.currentStep];
    if (currentStep) publish('deployment_step_failure', { plan, currentStep });
    publish('deployment_failed', { id: deployment.id, plan, reason });
  }

  function forget(deployment: Deployment): void {
    cluster.deployments.delete(deployment.id);
    reached.delete(deployment.id);
    cluster.deploymentsChanged();
    for (const id of Object.keys(deployment.targets)) touch(id);
  }

  function find(id: string): Deployment {
    const found = cluster.deployments.get(id);
    if (!found) throw new ApiError(404, `DeploymentPlan ${id} does not exist`);
    return found;
  }

  return {
    apply,

    /** Goes on with what an earlier process of the engine began. */
    resume: (): void => {
      for (const deployment of cluster.deployments.values()) {
        // The definitions may not have been written any more when the engine was killed.
        for (const [id, app] of Object.entries(deployment.targets)) {
          if (cluster.record(id).app?.version !== app?.version) cluster.setApp(id, app);
        }
        begin(deployment);
      }
    },

    wantedOf: (appId: string): Wanted => {
      const [deployment] = cluster.deploymentsOf(appId);
      if (!deployment) return undefined;
      const actions = deployment.steps[deployment.currentStep]?.actions ?? [];
      return actions.find(({ app }) => app === appId)?.action ?? 'wait';
    },

    /** Takes note that an app is where its step wants it, and goes on when all are. */
    onReconciled: (appId: string, done: boolean): void => {
      if (!done) return;
      for (const deployment of cluster.deploymentsOf(appId)) {
        const step = deployment.steps[deployment.currentStep];
        const finished = reached.get(deployment.id);
        if (!step || !finished || !step.actions.some(({ app }) => app === appId)) continue;
        finished.add(appId);
        if (!step.actions.every(({ app }) => finished.has(app))) continue;
        publish('deployment_step_success', { plan: planOf(deployment), currentStep: step });
        deployment.currentStep += 1;
        cluster.deploymentsChanged();
        begin(deployment);
      }
    },

    /** Stops a deployment where it is. */
    cancel: (id: string): void => fail(find(id), 'The upgrade has been cancelled'),

    /** Deploys the definitions from before a running deployment; always by force. */
    rollback: (id: string): DeploymentResult => {
      const version = clock.next();
      const targets: Targets = new Map();
      for (const [appId, original] of Object.entries(find(id).originals)) {
        targets.set(appId, original && revived(cluster.record(appId).app, original, version));
      }
      return apply(targets, true, version);
    },
  };
}

function revived(current: App | undefined, original: App, version: string): App {
  return current ? versioned(current, original, version) : restarted(original, version);
}

function overlaid(apps: Map<string, App>, targets: Targets): Map<string, App> {
  const all = new Map(apps);
  for (const [id, app] of targets) {
    if (app) all.set(id, app);
    else all.delete(id);
  }
  return all;
}

/** The plan as events show it, without the groups, as Marathon ≥ 1.7 does. */
export function planOf({ id, steps, version }: Deployment): {
  id: string;
  steps: Step[];
  version: string;
} {
  return { id, steps, version };
}
