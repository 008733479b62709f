/** A Service is one process type of a repository; in an environment it is an App. What is known of it now. */
import type { Instance } from './instance.ts';

/** Names a service as people do. */
export interface ServiceName {
  /** GitLab's id of the project. */
  project: number;
  environment: string;
  service: string;
}

/** `healthy`: as many instances as wanted are well; `stopped`: none is wanted. */
export type ServiceHealth = 'healthy' | 'degraded' | 'down' | 'deploying' | 'stopped';

export interface InstanceCounts {
  wanted: number;
  waiting: number;
  starting: number;
  healthy: number;
  unhealthy: number;
  stopping: number;
}

export interface ReleaseSummary {
  number: number;
  sha: string;
  build: string;
  /** By digest. */
  image: string;
  createdAt: number;
}

export interface ServiceStatus extends ServiceName {
  /** Marathon's id of the app. */
  app: string;
  health: ServiceHealth;
  /** Why it is not healthy, in one sentence. */
  reason?: string;
  release?: ReleaseSummary;
  instances: InstanceCounts;
  /** URLs, the one to show first. */
  addresses: string[];
  /** Processors and MiB of each instance. */
  cpus: number;
  mem: number;
  /** Names of the variables that the app is given; values are shown nowhere. */
  variables: string[];
  /** The number of instances that somebody asked for in place of the manifest's. */
  scale?: { instances: number; by: string; at: number };
  /** True while Marathon changes the app. */
  isDeploying: boolean;
  /** By data centre, where the installation has several; what the rest tells is of those that answer. */
  places?: ServicePlace[];
}

/** How a service is in one data centre. */
export interface ServicePlace {
  dataCentre: string;
  /** Number of the release that serves there; absent where it is away. */
  release?: number;
  instances?: InstanceCounts;
  /** Since when the data centre does not answer (milliseconds since the epoch), and why. */
  awaySince?: number;
  reason?: string;
}

/** A service with its instances. */
export interface ServiceDetail extends ServiceStatus {
  list: Instance[];
}
