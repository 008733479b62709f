/** The life of an instance, transition by transition, with the events that tell of it. */
import type { App } from '../apps/app-definition.ts';
import { newInstanceId, taskIdOf } from '../apps/app-id.ts';
import type { Context } from '../context.ts';
import type { Started } from '../docker/docker-host.ts';
import type { Instance } from '../state/cluster.ts';

/** The one node that there is. */
export const AGENT_ID = 'local-S0';

export type EndState = 'TASK_FAILED' | 'TASK_FINISHED' | 'TASK_KILLED';

export interface End {
  state: EndState;
  message: string;
}

const CONDITIONS = { TASK_FAILED: 'Failed', TASK_FINISHED: 'Finished', TASK_KILLED: 'Killed' };

interface LifecycleOptions
  extends Pick<Context, 'cluster' | 'publish' | 'delays' | 'host' | 'touch'> {
  /** A task has ended, and what it held is free. */
  onEnded: () => void;
}

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
    this.#wait({ id, appId: app.id, version, incarnation: 1, ...fresh() });
    this.#options.touch(app.id);
  }

  #wait(instance: Instance): void {
    const { cluster } = this.#options;
    cluster.record(instance.appId).instances.set(instance.id, instance);
    this.#announceInstance(instance, 'Scheduled');
    cluster.changed(instance.appId);
  }

  staging(instance: Instance): void {
    instance.condition = 'Staging';
    instance.stagedAt = new Date().toISOString();
    const { cluster, delays } = this.#options;
    const app = cluster.definitionOf(instance);
    if (app) delays.started(app);
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

  /** The instance is to go for good; until its task ends it is in the condition that it was in. */
  sentenced(instance: Instance): void {
    instance.goal = 'Decommissioned';
    instance.sentencedAt = new Date().toISOString();
    this.#announceInstance(instance, instance.condition);
    this.#options.cluster.changed(instance.appId);
  }

  killing(instance: Instance): void {
    instance.condition = 'Killing';
    this.announceTask(instance, 'TASK_KILLING', instance.killReason ?? '');
    this.#announceInstance(instance, 'Killing');
    this.#changed(instance);
  }

  /** Ends the task; the instance gets a next task or goes, as its goal says. */
  ended(instance: Instance, end: End): void {
    const { cluster, delays } = this.#options;
    const app = cluster.definitionOf(instance);
    const unhealthy = instance.killReason !== undefined && end.state === 'TASK_KILLED';
    if (instance.stagedAt) this.announceTask(instance, end.state, end.message);
    this.#announceInstance(instance, CONDITIONS[end.state]);
    if (end.state === 'TASK_FAILED' || unhealthy) this.#recordFailure(instance, end);
    if (end.state !== 'TASK_KILLED' && app) delays.failed(app);
    this.#relaunchOrForget(instance);
    this.#changed(instance);
    this.#options.onEnded();
  }

  #relaunchOrForget({ id, appId, version, incarnation, goal }: Instance): void {
    const record = this.#options.cluster.record(appId);
    if (goal !== 'Running' || !record.app) record.instances.delete(id);
    else this.#wait({ id, appId, version, incarnation: incarnation + 1, ...fresh() });
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
