/** Says of Marathon's tasks how each instance is, in a word and where needed a sentence. */
import type { PlacedApp } from '../../clients/data-centres.ts';
import type { MarathonApp, MarathonTask } from '../../clients/marathon.ts';
import type { Instance, InstanceState } from '../../core/instance.ts';
import type { InstanceCounts } from '../../core/service.ts';
import { configVersion } from './apps.ts';

/** Newest first; `routed` are the ids of those that every balancer sends requests to. */
export function instancesOfApp(app: MaybePlaced, routed: ReadonlySet<string>): Instance[] {
  return app.tasks
    .map((task) => toInstance(app, task, routed.has(task.id)))
    .sort((a, b) => (b.startedAt ?? Number.MAX_VALUE) - (a.startedAt ?? Number.MAX_VALUE));
}

/** Where there is one data centre, nobody need be told which. */
type MaybePlaced = MarathonApp & Partial<Pick<PlacedApp, 'dataCentre'>>;

function toInstance(app: MaybePlaced, task: MarathonTask, isRouted: boolean): Instance {
  const { id, host, ports, version, startedAt } = task;
  const state = stateOf(app, task, isRouted);
  const reason = reasonOf(task, state);
  return {
    id,
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(app.dataCentre === undefined ? {} : { dataCentre: app.dataCentre }),
    ...(host === undefined ? {} : { host }),
    ports,
    ...(version === undefined ? {} : { version }),
    ...(startedAt === undefined ? {} : { startedAt: Date.parse(startedAt) }),
    isRouted,
  };
}

/** A task that is in none of these states is over, or about to be. */
const states: Record<string, InstanceState> = {
  TASK_STAGING: 'starting',
  TASK_STARTING: 'starting',
  TASK_UNREACHABLE: 'unhealthy',
};

function stateOf(app: MarathonApp, task: MarathonTask, isRouted: boolean): InstanceState {
  if (task.state !== 'TASK_RUNNING') return states[task.state ?? 'TASK_STAGING'] ?? 'stopping';
  const results = task.healthCheckResults;
  // Marathon counts no failure while an instance is within its grace period.
  if (results.some(({ alive, consecutiveFailures }) => !alive && consecutiveFailures > 0)) {
    return 'unhealthy';
  }
  if (!results.every(({ alive }) => alive)) return 'starting';
  if (results.length >= app.healthChecks.length) return 'healthy';
  // The checks of an older definition are not listed; who gets requests has passed them.
  return !isCurrent(app, task) && (isRouted || results.length > 0) ? 'healthy' : 'starting';
}

function reasonOf(task: MarathonTask, state: InstanceState): string | undefined {
  if (task.state === 'TASK_UNREACHABLE') return 'its node does not answer';
  if (state === 'healthy' || state === 'stopping') return undefined;
  const failed = task.healthCheckResults.find(({ alive }) => !alive);
  return failed?.lastFailureCause;
}

/** True for an instance of the configuration that the app has now, before or after it was scaled. */
export function isCurrent(app: MarathonApp, { version }: { version?: string | undefined }) {
  return version === undefined || version >= configVersion(app);
}

/** How many instances are in each state; what waits is wanted, and not yet started. */
export function countsOf(app: MarathonApp, instances: Instance[]): InstanceCounts {
  const count = (state: InstanceState) => instances.filter((each) => each.state === state).length;
  const there = instances.filter((each) => each.state !== 'stopping' && isCurrent(app, each));
  return {
    wanted: app.instances,
    waiting: Math.max(0, app.instances - there.length),
    starting: count('starting'),
    healthy: count('healthy'),
    unhealthy: count('unhealthy'),
    stopping: count('stopping'),
  };
}
