/** Puts the parts of the engine together: those that live with a task, and those that decide. */
import type { App } from './apps/app-definition.ts';
import { type AppWrites, createAppWrites } from './apps/app-writes.ts';
import { createHealthMonitor, type HealthMonitor } from './checks/health-monitor.ts';
import { createReadinessMonitor, type ReadinessMonitor } from './checks/readiness-monitor.ts';
import type { Context } from './context.ts';
import { createDeployments, type Deployments } from './deployments/deployments.ts';
import { createReconciler, type Reconciler } from './deployments/reconciler.ts';
import { createGroupWrites, type GroupWrites } from './groups/group-writes.ts';
import { createLauncher, type Launcher } from './launch/launcher.ts';
import type { ProvisionerOptions } from './launch/provisioner.ts';
import { createOutputs, type Outputs } from './sandbox/outputs.ts';
import type { Instance } from './state/cluster.ts';
import { createLifecycle, type Lifecycle } from './tasks/lifecycle.ts';
import { createKillTasks, type KillTasks } from './tasks/task-kills.ts';
import { createTerminator, type Terminator } from './tasks/terminator.ts';

export interface TaskParts {
  lifecycle: Lifecycle;
  launcher: Launcher;
  terminator: Terminator;
  monitor: HealthMonitor;
  readinessMonitor: ReadinessMonitor;
  outputs: Outputs;
  /** Follows a task that runs, be it new or adopted. */
  attend: (instance: Instance, app: App) => void;
}

interface TaskSettings extends Pick<ProvisionerOptions, 'defaultImage' | 'dockerConfig'> {
  drainSeconds: number;
}

/** What starts, watches and ends tasks. */
export function createTaskParts(context: Context, settings: TaskSettings): TaskParts {
  const lifecycle = createLifecycle({ ...context, onEnded: () => launcher.roomCame() });
  const outputs = createOutputs(context);
  const monitor = createHealthMonitor({
    ...context,
    lifecycle,
    onUnhealthy: (instance) => terminator.kill(instance),
  });
  const readinessMonitor = createReadinessMonitor(context);
  const attend = (instance: Instance, app: App) => {
    outputs.follow(instance, app);
    monitor.watch(instance, app);
    readinessMonitor.watch(instance, app);
  };
  const launcher: Launcher = createLauncher({
    ...context,
    ...settings,
    lifecycle,
    onRunning: (instance, app) => {
      attend(instance, app);
      // A task may have ended before anybody could know its container; else this does nothing.
      terminator.bury(instance).catch(() => context.touch(instance.appId));
    },
  });
  const terminator: Terminator = createTerminator({
    ...context,
    ...settings,
    lifecycle,
    abandonLaunch: (instance) => launcher.abandon(instance),
    unwatch: (instance) => {
      monitor.unwatch(instance);
      readinessMonitor.unwatch(instance);
    },
    finishOutput: outputs.finish,
  });
  return { lifecycle, launcher, terminator, monitor, readinessMonitor, outputs, attend };
}

export interface Control {
  deployments: Deployments;
  reconciler: Reconciler;
  writes: AppWrites;
  groupWrites: GroupWrites;
  killTasks: KillTasks;
}

/** What decides which tasks there shall be. */
export function createControl(context: Context, parts: TaskParts): Control {
  const { cluster, delays, offers } = context;
  const deployments = createDeployments({
    ...context,
    onNewConfig: (appId) => delays.reset(appId),
  });
  const reconciler = createReconciler({
    ...parts,
    cluster,
    delays,
    offers,
    wantedOf: (appId) => deployments.wantedOf(appId),
    onReconciled: (appId, done) => deployments.onReconciled(appId, done),
  });
  const writes = createAppWrites({ ...context, deployments });
  const groupWrites = createGroupWrites({ ...context, deployments });
  const killTasks = createKillTasks({ ...parts, cluster, writes, reconciler });
  return { deployments, reconciler, writes, groupWrites, killTasks };
}
