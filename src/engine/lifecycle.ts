/** The life of an instance, transition by transition, with the events that tell of it. */
import type { App } from './app-definition.ts';
import { newInstanceId, taskIdOf } from './app-id.ts';
import type { Cluster, Instance } from './cluster.ts';
import type { Started } from './docker-host.ts';
import type { Publish } from './event-stream.ts';
import type { LaunchDelays } from './launch-delays.ts';

/** The one node that there is. */
export const AGENT_ID = 'local-S0';

export type EndState = 'TASK_FAILED' | 'TASK_FINISHED' | 'TASK_KILLED';

export interface End {
  state: EndState;
  message: string;
}

interface LifecycleOptions {
  cluster: Cluster;
  publish: Publish;
  delays: LaunchDelays;
  host: string;
  /** Called after each transition. */
  onChange: (instance: Instance) => void;
}

export type Lifecycle = ReturnType<typeof createLifecycle>;

const CONDITIONS = { TASK_FAILED: 'Failed', TASK_FINISHED: 'Finished', TASK_KILLED: 'Killed' };

export function createLifecycle(options: LifecycleOptions) {
  const { cluster, publish, delays, host, onChange } = options;

  function announceInstance(instance: Instance, condition: string): void {
    publish('instance_changed_event', {
      instanceId: instance.id,
      condition,
      runSpecId: instance.appId,
      agentId: AGENT_ID,
      host,
      runSpecVersion: instance.version,
    });
  }

  function announceTask(instance: Instance, taskStatus: string, message: string): void {
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

  function changed(instance: Instance): void {
    cluster.changed(instance.appId);
    onChange(instance);
  }

  function recordFailure(instance: Instance, { state, message }: End): void {
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

  return {
    /** Tells the status of a task whose state stays as it is. */
    announceTask,

    schedule: (app: App): Instance => {
      const instance: Instance = {
        id: newInstanceId(app.id),
        appId: app.id,
        version: app.version,
        incarnation: 1,
        ...fresh(),
      };
      cluster.record(app.id).instances.set(instance.id, instance);
      announceInstance(instance, 'Scheduled');
      changed(instance);
      return instance;
    },

    staging: (instance: Instance): void => {
      instance.condition = 'Staging';
      instance.stagedAt = new Date().toISOString();
      announceInstance(instance, 'Provisioned');
      changed(instance);
    },

    running: (instance: Instance, app: App, { containerId, pid, ipAddress }: Started): void => {
      Object.assign(instance, { condition: 'Running', containerId, pid, ipAddress });
      instance.startedAt = new Date().toISOString();
      delays.started(app);
      announceTask(instance, 'TASK_RUNNING', '');
      announceInstance(instance, 'Running');
      changed(instance);
    },

    killing: (instance: Instance): void => {
      instance.condition = 'Killing';
      announceTask(instance, 'TASK_KILLING', instance.killReason ?? '');
      announceInstance(instance, 'Killing');
      changed(instance);
    },

    /** Ends the task; the instance gets a next task or goes, as its goal says. */
    ended: (instance: Instance, end: End): void => {
      const app = cluster.definitionOf(instance);
      const unhealthy = instance.killReason !== undefined && end.state === 'TASK_KILLED';
      if (instance.stagedAt) announceTask(instance, end.state, end.message);
      announceInstance(instance, CONDITIONS[end.state]);
      if (end.state === 'TASK_FAILED' || unhealthy) recordFailure(instance, end);
      if (end.state !== 'TASK_KILLED' && app) delays.failed(app);
      relaunchOrForget(cluster, instance);
      changed(instance);
      if (!cluster.records.has(instance.appId)) {
        publish('app_terminated_event', { appId: instance.appId });
      }
    },
  };
}

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
