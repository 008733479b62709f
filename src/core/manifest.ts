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
  deploy: {
    /** Seconds until a deployment that is not healthy is reversed. */
    deadline?: number;
  };
}
