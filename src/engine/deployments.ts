/** Runs deployments: locks, steps one after another, cancels, rolls back, and tells of it all. */
import { randomUUID } from 'node:crypto';
import { ApiError, locked } from './api-error.ts';
import { restarted, versioned } from './app-change.ts';
import type { App } from './app-definition.ts';
import type { Deployment } from './cluster.ts';
import type { Context } from './context.ts';
import { affectedApps, planSteps, type Step } from './plan.ts';
import type { Wanted } from './reconciler.ts';

/** Wanted definitions by id; null removes the app. */
export type Targets = Map<string, App | null>;

export interface Change {
  targets: Targets;
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
  apply({ targets, force, version }: Change): DeploymentResult {
    const { cluster } = this.#options;
    const original = cluster.apps();
    const steps = planSteps(original, overlaid(original, targets));
    const affected = affectedApps(steps);
    const conflicts = new Set(affected.flatMap((id) => cluster.deploymentsOf(id)));
    this.#ensureAllowed([...conflicts], force);
    for (const conflict of conflicts) this.#fail(conflict, 'The upgrade has been cancelled');

    const deployment: Deployment = {
      id: randomUUID(),
      version,
      steps,
      currentStep: 0,
      originals: Object.fromEntries(affected.map((id) => [id, original.get(id) ?? null])),
      targets: Object.fromEntries(affected.map((id) => [id, targets.get(id) ?? null])),
    };
    // Stored before the apps: a deployment without its apps is made good at the next start.
    cluster.deployments.set(deployment.id, deployment);
    cluster.deploymentsChanged();
    for (const [id, app] of targets) this.#install(id, original.get(id), app);
    // The write itself is told of first.
    queueMicrotask(() => {
      if (cluster.deployments.has(deployment.id)) this.#begin(deployment);
    });
    return { deploymentId: deployment.id, version };
  }

  /** Goes on with what an earlier process of the engine began. */
  resume(): void {
    const { cluster } = this.#options;
    for (const deployment of cluster.deployments.values()) {
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
    const { cluster, clock } = this.#options;
    const version = clock.next();
    const targets: Targets = new Map();
    for (const [appId, original] of Object.entries(this.#find(id).originals)) {
      targets.set(appId, original && revived(cluster.record(appId).app, original, version));
    }
    return this.apply({ targets, force: true, version });
  }

  #ensureAllowed(conflicts: Deployment[], force: boolean): void {
    if (this.#options.cluster.deployments.size >= MAX_RUNNING) {
      throw new ApiError(
        403,
        `Max number (${MAX_RUNNING}) of running deployments is achieved. ` +
          'Wait for existing deployments to complete or cancel one.',
      );
    }
    if (conflicts.length > 0 && !force) throw locked(conflicts.map(({ id }) => id));
  }

  #install(id: string, before: App | undefined, after: App | null): void {
    this.#options.cluster.setApp(id, after);
    const config = after?.versionInfo.lastConfigChangeAt;
    if (config !== before?.versionInfo.lastConfigChangeAt) this.#options.onNewConfig(id);
    this.#options.touch(id);
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
