/** What an event of Marathon tells discovery before anything is asked. */
import type { MarathonEvent } from '../clients/marathon.ts';

/** The event types that discovery listens to; checks run by Mesos tell of health only in the fourth. */
export const hintTypes = [
  'status_update_event',
  'instance_changed_event',
  'health_status_changed_event',
  'instance_health_changed_event',
  'unhealthy_instance_kill_event',
  'api_post_event',
  'app_terminated_event',
  'deployment_info',
  'deployment_step_success',
  'deployment_success',
  'deployment_failed',
];

/** A task to take out of the balancers at once. */
export interface Leaving {
  /** A task id or an instance id. */
  task: string;
  /** True when the task can never serve again, whatever a late answer says. */
  forGood: boolean;
}

export interface Hint {
  /** Apps to read anew. */
  apps: string[];
  /** True when the event is about the definition, so that also unknown apps are worth a look. */
  definition: boolean;
  leaving?: Leaving;
}

const alive = /^(?:TASK_)?(?:SCHEDULED|PROVISIONED|CREATED|STAGING|STARTING|RUNNING)$/i;
const final = /^(?:TASK_)?(?:KILLING|KILLED|FAILED|FINISHED|ERROR|GONE|DROPPED)$/i;

export function readHint(event: MarathonEvent): Hint {
  const named = event.appId ?? event.runSpecId ?? event.appDefinition?.id;
  const planned = (event.plan?.steps ?? []).flatMap(({ actions }) => actions.map(({ app }) => app));
  const apps = [named, ...planned].filter((id) => id !== undefined).map(toAbsolute);
  const leaving = leavingOf(event);
  const definition = /^(?:api_post|app_terminated|deployment)/.test(event.eventType);
  return { apps: [...new Set(apps)], definition, ...(leaving ? { leaving } : {}) };
}

function leavingOf(event: MarathonEvent): Leaving | undefined {
  const task = event.taskId ?? event.instanceId;
  if (task === undefined) return undefined;
  if (event.eventType === 'unhealthy_instance_kill_event') return { task, forGood: true };
  const state = event.taskStatus ?? event.condition;
  if (state !== undefined && !alive.test(state)) return { task, forGood: final.test(state) };
  const sick = event.alive === false || event.healthy === false;
  return sick ? { task, forGood: false } : undefined;
}

/**
 * Tells whether a task is the one that `id` names, a task or an instance. Marathon up to 1.7
 * names them differently: instance `<app>.marathon-<uuid>`, task `<app>.<uuid>`.
 */
export function matcherOf(id: string): (task: { id: string }) => boolean {
  const uuid = id.match(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/)?.[0];
  return (task) =>
    task.id === id ||
    task.id.startsWith(`${id}.`) ||
    (uuid !== undefined && task.id.endsWith(`.${uuid}`));
}

function toAbsolute(id: string): string {
  return id.startsWith('/') ? id : `/${id}`;
}
