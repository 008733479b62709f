/** The manifest says how a repository is built and run; every part of it has a default. */

/** `command`: a string is run by a shell, a list is run as it is. */
export interface ServiceSpec {
  name: string;
  command?: string | string[];
  cpus: number;
  /** Memory limit in MiB. */
  mem: number;
  instances: number;
  /** Container ports, `auto` for host networking with $PORT, absent: the image's lowest TCP port. */
  ports?: number[] | 'auto';
  /** How an instance proves that it works; `false` switches the check off. */
  health: HealthSpec | false;
  env: Record<string, string>;
  /** Folder in the container that receives log files. */
  logs: string;
  /** More addresses, each `host` or `host/path`. */
  routes: string[];
  /** Data centres in which it runs, with `instances` in each; absent: those of the settings. */
  dataCentres?: string[];
  /** Marathon's constraints, each field, operator and where it takes one a value. */
  constraints?: string[][];
}

/** Times in seconds. */
export interface HealthSpec {
  /** Path for an HTTP check; without it and without `command`, a TCP check. */
  path?: string;
  command?: string;
  /** Container port to check; default: the service's first port. */
  port?: number;
  interval: number;
  timeout: number;
  grace: number;
  failures: number;
}

/** Which refs an environment takes, as globs where `*` matches anything. */
export interface EnvironmentRule {
  name: string;
  branches: string[];
  tags: string[];
}

export interface BuildSpec {
  /** Path of the Dockerfile from the repository's root. */
  dockerfile: string;
  /** Folder of the build context from the repository's root, `` for the root. */
  context: string;
  args: Record<string, string>;
  target?: string;
  /** Such as `linux/amd64`; absent: that of the build host. */
  platform?: string;
  /** Id of a secret mount → CI/CD variable that holds its value. */
  secrets: Record<string, string>;
  /** Seconds that the build may take; the administrator's limit holds besides. */
  timeout?: number;
}

export interface Manifest {
  build: BuildSpec;
  /** Absent: the default branch goes to production. */
  environments?: EnvironmentRule[];
  services: ServiceSpec[];
  deploy: DeploySpec;
  /** Commands that run by the clock in the release that an environment has. */
  jobs: JobSpec[];
}

export interface DeploySpec {
  /** Seconds until a deployment that is not healthy is reversed. */
  deadline?: number;
  strategy: Strategy;
  /** Data centres one after the other, in the order in which they are named, or all at once. */
  order: 'sequence' | 'together';
  /** Run once in the new release's image before any of its instances starts, such as a migration. */
  before?: string | string[];
  /** Run once when the new release is healthy and gets requests. */
  after?: string | string[];
}

/**
 * How new instances take the place of old ones; times in seconds. `blue-green`: all new beside all
 * old, then the switch, and the old ones stay for `keep`. `canary`: a few new ones get their share of
 * requests for `hold`, or until somebody says how to go on.
 */
export type Strategy =
  | { kind: 'rolling' }
  | { kind: 'blue-green'; keep: number }
  | { kind: 'canary'; instances: CanarySize; hold: number | 'manual' };

/** So many instances, or such a share of the requests as `10%`, and of the instances, rounded up. */
export type CanarySize = number | `${number}%`;

/** A command that runs by the clock, once at a time. */
export interface JobSpec {
  name: string;
  /** Five fields as cron has them: minute, hour, day of month, month, day of week. */
  schedule: string;
  /** Name of the time zone of the schedule, such as `Europe/Paris`. */
  timezone: string;
  command: string | string[];
  /** The service whose image, variables and size it has. */
  service: string;
  /** Where it runs; absent: in every environment that the manifest's commit is deployed to. */
  environments?: string[];
  cpus?: number;
  /** MiB. */
  mem?: number;
  /** Seconds after which it is ended. */
  timeout: number;
}
