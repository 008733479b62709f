/** A Deployment brings one release of an app into being, or gives the old one back. */
import type { DeploySpec, ServiceSpec, Strategy } from './manifest.ts';
import type { Page, Paging } from './page.ts';
import type { Leg } from './timeline.ts';
import { describeTrial } from './trial.ts';

/** `held`: waits until its environment takes deployments again, or a person lets it go. */
export type DeploymentState = 'held' | 'queued' | 'running' | 'succeeded' | 'failed' | 'superseded';

/** `redeploy`: what runs, or another image, as a new release; `rollback`: an earlier release as it was. */
export type DeploymentKind = 'push' | 'redeploy' | 'rollback';

/**
 * How far a deployment is in one data centre. `trial`: new instances beside the old ones, of which only
 * some get requests or none; `holding`: so it stays for a time or until somebody decides; `rolling`: the
 * app itself changes; `done`: all instances are of the release and routed; `returned`: the last good
 * release is back; `away`: its Marathon did not answer, and it follows once that does.
 */
export type PlaceState = 'waiting' | 'trial' | 'holding' | 'rolling' | 'done' | 'returned' | 'away';

/** Version and deployment as Marathon named them when a definition was sent. */
export interface Sent {
  version: string;
  deployment: string;
}

/** A deployment in one data centre. */
export interface Place {
  dataCentre: string;
  state: PlaceState;
  /** Milliseconds since the epoch at which it came into that state. */
  since: number;
  /** Id of the app that served when it began; what is tried beside it has the other id. */
  app?: string;
  /** How it goes on there: what the manifest says, where something runs that can be kept. */
  strategy?: Strategy['kind'];
  /**
   * How many instances served when it began, where new ones come as a second app instead of one by one
   * in the same, since Marathon there ends old ones before balancers hear of it.
   */
  beside?: number;
  /** When it began there, and for how many milliseconds since then it was only looked at. */
  begun?: number;
  held?: number;
  /** When all of it was up, where more follows before it is done. */
  up?: number;
  /** Of the app that changes in place. */
  sent?: Sent;
  /** Of the app that is tried beside it. */
  trial?: Sent;
  reason?: string;
}

/** What somebody said of a canary that waits for a word. */
export interface Decision {
  go: 'on' | 'back';
  by: string;
}

export interface Deployment {
  id: string;
  kind: DeploymentKind;
  /** Who asked for it, where a person did. */
  by?: string;
  /** Deployments of one push or one request share it, and the number of their release. */
  request: string;
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
  deploy: DeploySpec;
  /** Seconds that it has; found when it starts. */
  deadline?: number;
  /** True when it only starts anew what runs: it is rolled out, without the commands before and after. */
  restart?: boolean;
  /** True when it goes on although its environment is frozen. */
  override?: boolean;
  /** Number of the release it made, or goes back to. */
  release?: number;
  /** Names of the variables that the app was given. */
  variables?: string[];
  /** What an older Ekiden, which knew one data centre, kept of what it sent. */
  marathon?: Sent;
  /** In the order of its rollout; known once it starts. */
  places?: Place[];
  decision?: Decision;
  /** Ids of the jobs that ran what the manifest names before and after it. */
  jobs?: { before?: string; after?: string };
  /** Set once it is decided that it goes back: what happened, and why as far as that is known. */
  failure?: { what: string; why?: string };
  state: DeploymentState;
  /** Why it waits, is held or ended so, in one sentence. */
  reason?: string;
  /** Why it is not further at this moment, while it is under way; empty where all goes on. */
  waiting?: string;
  /** What else people should know, such as variables that did not reach the app. */
  warnings?: string[];
  /** URLs that reach the app, first the one to show. */
  addresses: string[];
  legs: Leg[];
  createdAt: number;
}

/** True while nothing final is known of the deployment. */
export function isOpen({ state }: Pick<Deployment, 'state'>): boolean {
  return state === 'held' || state === 'queued' || state === 'running';
}

/** Keeps the seconds that the last 50 successful deployments of each app took. */
export interface Durations {
  add(app: string, seconds: number): Promise<void>;
  /** Newest first. */
  list(app: string): Promise<number[]>;
  forget(app: string): Promise<void>;
}

/** Why it ended so, or, while it is under way, why it is not further; undefined where all goes on. */
export function reasonNow(deployment: Deployment): string | undefined {
  const { state, reason, waiting } = deployment;
  if (reason || !isOpen(deployment)) return reason || undefined;
  if (waiting) return waiting;
  return state === 'queued'
    ? 'waits for a free place of the role deploy'
    : describeTrial(deployment);
}

/** Keeps deployments. */
export interface DeploymentStore {
  find(id: string): Promise<Deployment | undefined>;
  create(deployment: Deployment): Promise<Deployment>;
  update(id: string, change: Partial<Deployment>): Promise<Deployment>;
  /** Moves a deployment that has not ended into `state`, once; false when it had ended before. */
  end(id: string, state: DeploymentState, reason?: string): Promise<boolean>;
  /** Moves a held deployment to queued, once; false when it was not held. */
  release(id: string): Promise<boolean>;
  /** Says why a held deployment is so now; false when it is not held. */
  hold(id: string, reason: string): Promise<boolean>;
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
