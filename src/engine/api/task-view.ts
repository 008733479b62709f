/** Tasks and their numbers as the API shows them. */
import type { App } from '../apps/app-definition.ts';
import { taskIdOf } from '../apps/app-id.ts';
import { healthOf } from '../checks/health.ts';
import type { AppRecord, Instance } from '../state/cluster.ts';
import { AGENT_ID, ipAddressesOf } from '../tasks/lifecycle.ts';

const STATES = {
  Scheduled: 'TASK_STAGING',
  Staging: 'TASK_STAGING',
  Running: 'TASK_RUNNING',
  Killing: 'TASK_KILLING',
};

/** The task's JSON; an instance that waits for its launch is no task yet. */
export function taskView(instance: Instance, host: string, app: App | undefined) {
  return {
    id: taskIdOf(instance),
    appId: instance.appId,
    host,
    slaveId: AGENT_ID,
    state: STATES[instance.condition],
    ipAddresses: ipAddressesOf(instance),
    ports: instance.ports,
    stagedAt: instance.stagedAt,
    startedAt: instance.startedAt,
    version: instance.version,
    localVolumes: [],
    ...(app?.healthChecks ? { healthCheckResults: healthResults(instance) } : {}),
    role: app?.role ?? '*',
  };
}

function healthResults({ id, health }: Instance) {
  return health.flatMap((one) => (one ? [{ ...one, instanceId: id }] : []));
}

/** Instances that have a task, oldest first. */
export function tasksOf({ instances }: AppRecord): Instance[] {
  return [...instances.values()].filter(({ condition }) => condition !== 'Scheduled');
}

export function countsOf(record: AppRecord) {
  const counts = { tasksStaged: 0, tasksRunning: 0, tasksHealthy: 0, tasksUnhealthy: 0 };
  for (const instance of tasksOf(record)) {
    if (instance.condition === 'Staging') counts.tasksStaged += 1;
    if (instance.condition !== 'Running') continue;
    counts.tasksRunning += 1;
    const definition = record.versions.find(({ version }) => version === instance.version);
    const healthy = healthOf(definition?.healthChecks?.length ?? 0, instance.health);
    if (healthy === true) counts.tasksHealthy += 1;
    if (healthy === false) counts.tasksUnhealthy += 1;
  }
  return counts;
}
