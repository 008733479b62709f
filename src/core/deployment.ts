/** A Deployment brings one release of an app into being, or gives the old one back. */
import type { ServiceSpec } from './manifest.ts';
import type { Page, Paging } from './page.ts';
import type { Leg } from './timeline.ts';

export type DeploymentState = 'queued' | 'running' | 'succeeded' | 'failed' | 'superseded';

/** `redeploy`: what runs, or another image, as a new release; `rollback`: an earlier release as it was. */
export type DeploymentKind = 'push' | 'redeploy' | 'rollback';

export interface Deployment {
  id: string;
  kind: DeploymentKind;
  /** Who asked for it, where a person did. */
  by?: string;
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
  /** Number of the release it made, or goes back to, per environment and service. */
  release?: number;
  /** Names of the variables that the app was given. */
  variables?: string[];
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

/** True while nothing final is known of the deployment. */
export function isOpen({ state }: Pick<Deployment, 'state'>): boolean {
  return state === 'queued' || state === 'running';
}

/** Keeps deployments. */
export interface DeploymentStore {
  find(id: string): Promise<Deployment | undefined>;
  create(deployment: Deployment): Promise<Deployment>;
  update(id: string, change: Partial<Deployment>): Promise<Deployment>;
  /** Moves a deployment that has not ended into `state`, once; false when it had ended before. */
  end(id: string, state: DeploymentState, reason?: string): Promise<boolean>;
  /** Ids of the deployments of all projects that have not ended. */
  active(): Promise<string[]>;
  /**
   * Makes the deployment the one its app shall follow, if its commit is not older than that of
   * the one it follows now. Answers the deployment that is followed after the call.
   */
  lead(deployment: Deployment): Promise<string>;
  /**
   * Creates the deployment and makes its app follow it in one step, as a person asked. Its place is that
   * of the commit followed now, if that is newer: a newer push goes on, and an older one does not win.
   * Answers the record, and the deployment that the app followed before.
   */
  takeOver(deployment: Deployment): Promise<{ deployment: Deployment; previous?: string }>;
  /** Deployments of a project, or of one environment, newest first; the newest 500 can be listed. */
  list(project: number, paging: Paging & { environment?: string }): Promise<Page<Deployment>>;
  /** The deployment that the app follows now. */
  leader(app: string): Promise<string | undefined>;
  /** The app is gone: it follows no deployment any more. */
  forget(app: string): Promise<void>;
}
