/** A Deployment brings one release of an app into being, or gives the old one back. */
import type { ServiceSpec } from './manifest.ts';
import type { Leg } from './timeline.ts';

export type DeploymentState = 'queued' | 'running' | 'succeeded' | 'failed' | 'superseded';

export interface Deployment {
  id: string;
  build: string;
  project: number;
  projectPath: string;
  ref: string;
  sha: string;
  environment: string;
  service: ServiceSpec;
  /** How many services the repository has: with several, addresses carry the service's name. */
  serviceCount: number;
  /** Marathon's id of the app. */
  app: string;
  /** Rank of the commit; an older one never replaces a newer one by itself. */
  order: number;
  /** Image by digest. */
  image: string;
  fragments: { file: string; sha256: string }[];
  /** Seconds. */
  deadline: number;
  /** Number of the release it made, per environment and service. */
  release?: number;
  /** Version and deployment as Marathon named them when the definition was sent. */
  marathon?: { version: string; deployment: string };
  state: DeploymentState;
  reason?: string;
  /** What else people should know, such as variables that did not reach the app. */
  warnings?: string[];
  /** URLs that reach the app, first the one to show. */
  addresses: string[];
  legs: Leg[];
  createdAt: number;
}

/** Keeps deployments. */
export interface DeploymentStore {
  find(id: string): Promise<Deployment | undefined>;
  create(deployment: Deployment): Promise<Deployment>;
  update(id: string, change: Partial<Deployment>): Promise<Deployment>;
  /** Moves a deployment that has not ended into `state`, once; false when it had ended before. */
  end(id: string, state: DeploymentState, reason?: string): Promise<boolean>;
  /**
   * Makes the deployment the one its app shall follow, if its commit is not older than that of
   * the one it follows now. Answers the deployment that is followed after the call.
   */
  lead(deployment: Deployment): Promise<string>;
  /** The deployment that the app follows now. */
  leader(app: string): Promise<string | undefined>;
  /** The app is gone: it follows no deployment any more. */
  forget(app: string): Promise<void>;
}
