/** The life of an instance, transition by transition, with the events that tell of it. */
import type { App } from './app-definition.ts';
import { newInstanceId, taskIdOf } from './app-id.ts';
import type { Cluster, Instance } from './cluster.ts';
import type { Context } from './context.ts';
import type { Started } from './docker-host.ts';

/** The one node that there is. */
export const AGENT_ID = 'local-S0';

export type EndState = 'TASK_FAILED' | 'TASK_FINISHED' | 'TASK_KILLED';

export interface End {
  state: EndState;
  message: string;
}

const CONDITIONS = { TASK_FAILED: 'Failed', TASK_FINISHED: 'Finished', TASK_KILLED: 'Killed' };

type LifecycleOptions = Pick<Context, 'cluster' | 'publish' | 'delays' | 'host' | 'touch'>;

export function createLifecycle(options: LifecycleOptions): Lifecycle {
  return new Lifecycle(options);
}

class Lifecycle {
  readonly #options: LifecycleOptions;

  constructor(options: LifecycleOptions) {
    this.#options = options;
  }

  /** Makes a new instance, which waits for its launch. */
  schedule(app: App): void {
    const id = newInstanceId(app.id);
    const { version } = app;
    const instance: Instance = { id, appId: app.id, version, incarnation: 1, ...fresh() };
    this.#options.cluster.record(app.id).instances.set(id, instance);
    this.#announceInstance(instance, 'Scheduled');
    this.#changed(instance);
  }

  staging(instance: Instance): void {
    instance.condition = 'Staging';
    instance.stagedAt = new Date().toISOString();
    this.#announceInstance(instance, 'Provisioned');
    this.#changed(instance);
  }

  running(instance: Instance, app: App, { containerId, pid, ipAddress }: Started): void {
    Object.assign(instance, { condition: 'Running', containerId, pid, ipAddress });
    instance.startedAt = new Date().toISOString();
    this.#options.delays.started(app);
    this.announceTask(instance, 'TASK_RUNNING', '');
    this.#announceInstance(instance, 'Running');
    this.#changed(instance);
  }

  killing(instance: Instance): void {
    instance.condition = 'Killing';
    this.announceTask(instance, 'TASK_KILLING', instance.killReason ?? '');
    this.#announceInstance(instance, 'Killing');
    this.#changed(instance);
  }

  /** Ends the task; the instance gets a next task or goes, as its goal says. */
  ended(instance: Instance, end: End): void {
    const { cluster, delays, publish } = this.#options;
    const app = cluster.definitionOf(instance);
    const unhealthy = instance.killReason !== undefined && end.state === 'TASK_KILLED';
    if (instance.stagedAt) this.announceTask(instance, end.state, end.message);
    this.#announceInstance(instance, CONDITIONS[end.state]);
    if (end.state === 'TASK_FAILED' || unhealthy) this.#recordFailure(instance, end);
    if (end.state !== 'TASK_KILLED' && app) delays.failed(app);
    relaunchOrForget(cluster, instance);
    this.#changed(instance);
    if (!cluster.records.has(instance.appId)) {
      publish('app_terminated_event', { appId: instance.appId });
    }
  }

  /** Tells the status of a task, also where its state stays as it is. */
  announceTask(instance: Instance, taskStatus: string, message: string): void {
    const { publish, host } = this.#options;
    publish('status_update_event', {
      slaveId: AGENT_ID,
      taskId: taskIdOf(instance),
      taskStatus,
      message,
      appId: instance.appId,
      host,
      ipAddresses: ipAddressesOf(instance),
      ports: instance.ports,
      version: instance.version,
    });
  }

  #announceInstance(instance: Instance, condition: string): void {
    const { publish, host } = this.#options;
    publish('instance_changed_event', {
      instanceId: instance.id,
      condition,
      runSpecId: instance.appId,
      agentId: AGENT_ID,
      host,
      runSpecVersion: instance.version,
    });
  }

  #recordFailure(instance: Instance, { state, message }: End): void {
    const { cluster, host } = this.#options;
    cluster.record(instance.appId).lastTaskFailure = {
      appId: instance.appId,
      host,
      message,
      state,
      taskId: taskIdOf(instance),
      timestamp: new Date().toISOString(),
      version: instance.version,
      slaveId: AGENT_ID,
    };
  }

  #changed({ appId }: Instance): void {
    this.#options.cluster.changed(appId);
    this.#options.touch(appId);
  }
}

export type { Lifecycle };

function relaunchOrForget(cluster: Cluster, instance: Instance): void {
  const record = cluster.record(instance.appId);
  if (instance.goal === 'Running' && record.app) {
    const { id, appId, version, incarnation } = instance;
    const next = { id, appId, version, incarnation: incarnation + 1, ...fresh() };
    record.instances.set(id, next);
  } else {
    record.instances.delete(instance.id);
  }
}

function fresh(): Pick<Instance, 'condition' | 'goal' | 'scheduledAt' | 'ports' | 'health'> {
  return {
    condition: 'Scheduled',
    goal: 'Running',
    scheduledAt: new Date().toISOString(),
    ports: [],
    health: [],
  };
}

/** Docker's own network gives IPv4 addresses only; on the host's network there is none. */
export function ipAddressesOf({ ipAddress }: Instance) {
  return ipAddress ? [{ ipAddress, protocol: 'IPv4' }] : [];
}
