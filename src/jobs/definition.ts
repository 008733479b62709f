/** Builds the Marathon app of a job; a function of data. */
import type { Job } from '../core/job.ts';
import type { Release } from '../core/release.ts';

/** The label by which the app of a job is told from that of a service. */
export const jobLabel = 'ekiden.job';

/**
 * Seconds for which Marathon would wait before it starts a job again: 20 days, by when Ekiden has read
 * how it ended and deleted the app. The engine's timers hold no more than 24 days.
 */
const neverAgain = 20 * 24 * 60 * 60;

/** Seconds between the request to end and the end by force. */
const grace = 10;

/** Id in Marathon of a job's app; the dot, which no name of a service holds, keeps it from theirs. */
export function appOfJob({ app, id }: Pick<Job, 'app' | 'id'>): string {
  return `${app}.job-${id}`;
}

/** What only a service has; all else of the release's definition holds for its jobs too. */
const ofServices = new Set([
  ...['cmd', 'args', 'labels', 'healthChecks', 'readinessChecks', 'portDefinitions'],
  ...['requirePorts', 'dependencies', 'version', 'versionInfo'],
]);

type Definition = Record<string, unknown>;

/** The definition of one run, with the release's image, variables, volumes and constraints. */
export function toJobApp(job: Job, release: Release, install: string): Definition & { id: string } {
  const { definition } = release;
  const shared = Object.entries(definition).filter(([name]) => !ofServices.has(name));
  return {
    ...Object.fromEntries(shared),
    id: appOfJob(job),
    instances: 1,
    ...(job.cpus === undefined ? {} : { cpus: job.cpus }),
    ...(job.mem === undefined ? {} : { mem: job.mem }),
    ...commandOf(job),
    labels: labelsOf(job, release, install),
    ...withoutPorts(definition),
    upgradeStrategy: { minimumHealthCapacity: 0, maximumOverCapacity: 0 },
    backoffSeconds: neverAgain,
    backoffFactor: 1,
    maxLaunchDelaySeconds: neverAgain,
    taskKillGracePeriodSeconds: grace,
    // An agent that is out of reach may still run it, and a second one must not start meanwhile.
    unreachableStrategy: 'disabled',
  };
}

/**
 * Marathon forgets its back-off when its leader changes, and then starts what has ended again. Task ids
 * count these starts (Marathon 1.8 and newer), so the shell ends at once in all but the first.
 */
const onlyOnce = 'case "$MESOS_TASK_ID" in *._app.1) ;; *._app.*) exit 0 ;; esac';

function commandOf({ command }: Job): { cmd?: string; args?: string[] } {
  return typeof command === 'string' ? { cmd: `${onlyOnce}\n${command}` } : { args: command };
}

function labelsOf(job: Job, { sha, build }: Release, install: string): Record<string, string> {
  return {
    'ekiden.install': install,
    'ekiden.project': String(job.project),
    'ekiden.environment': job.environment,
    [jobLabel]: job.id,
    'ekiden.release': String(job.release),
    'ekiden.commit': sha,
    'ekiden.build': build,
  };
}

/** Nobody sends requests to a job; without an empty list Marathon would give it a port. */
function withoutPorts({ container, networks }: Definition): Definition {
  const { portMappings: _, ...rest } = (container ?? {}) as Definition;
  const modes = ((networks ?? []) as { mode?: string }[]).map(({ mode }) => mode);
  if (modes.includes('container/bridge') || modes.includes('container')) {
    return { container: { ...rest, portMappings: [] } };
  }
  return { container: rest, portDefinitions: [] };
}
