/** A Release is what ran or should run: image digest and full app definition, numbered, immutable. */
import type { DeploySpec, ServiceSpec } from './manifest.ts';
import type { Weights } from './traffic.ts';

export interface Release {
  app: string;
  number: number;
  project: number;
  projectPath: string;
  environment: string;
  service: string;
  /** Full ref. */
  ref: string;
  sha: string;
  build: string;
  /** Of the deployments that share the number; absent in records of before numbers were an environment's. */
  request?: string;
  /** Who pushed it, or asked for it. */
  author?: string;
  /** What the manifest said of the service. */
  spec: ServiceSpec;
  /** How many services the repository had. */
  serviceCount: number;
  deploy: DeploySpec;
  /** Image by digest. */
  image: string;
  /** The app definition as it was sent to Marathon, with the values of variables: never to be shown. */
  definition: Record<string, unknown>;
  /** Names of the variables in it that GitLab gave, and of those among them that are secret. */
  variables?: string[];
  secrets?: string[];
  fragments: { file: string; sha256: string }[];
  /** How its service's requests were shared when it became healthy; absent: all instances alike. */
  weights?: Weights;
  createdAt: number;
}

/**
 * What is known of a release: nothing yet, that it became healthy, or that it did not, with the reason.
 * `since` is in milliseconds since the epoch.
 */
export type Standing =
  | { state: 'trying'; since: number }
  | { state: 'good'; since: number }
  | { state: 'bad'; since: number; reason: string };

/** A release and how it stands. */
export interface KeptRelease {
  release: Release;
  standing: Standing;
}

/** The environment whose releases are numbered together. */
export interface NumberedBy {
  project: number;
  environment: string;
}

/**
 * Keeps the newest 50 releases of each app, and the last good one. `app` is the id that names the
 * service, also while an app of another id is tried beside it (serviceAppOf).
 */
export interface ReleaseStore {
  /**
   * The number of the release that `key`, such as a push or a request, makes in the environment: the
   * same for the same key, else the next; greater than that of any release there.
   */
  number(where: NumberedBy, key: string): Promise<number>;
  /** False where no number is known of the environment, as in a Redis that is new. */
  isNumbered(where: NumberedBy): Promise<boolean>;
  /** The next number of the environment is greater than this one. */
  reach(where: NumberedBy, number: number): Promise<void>;
  /** Keeps it unless its number is there already; answers what is kept. */
  create(release: Release): Promise<Release>;
  find(app: string, number: number): Promise<Release | undefined>;
  /** All that are kept, newest first. */
  list(app: string): Promise<KeptRelease[]>;
  standing(app: string, number: number): Promise<Standing | undefined>;
  /** Notes that the release became healthy, and how requests were shared then. */
  markGood(app: string, number: number, weights?: Weights): Promise<void>;
  /** Notes that the release did not work; it is no longer the last good one. */
  markBad(app: string, number: number, reason: string): Promise<void>;
  /** True when this commit, or this image of it, was a release of the app that did not work, and none since did. */
  isBad(
    app: string,
    made: Pick<Release, 'sha'> & Partial<Pick<Release, 'image'>>,
  ): Promise<boolean>;
  /** Numbers of the releases that are kept and became healthy, newest first. */
  good(app: string): Promise<number[]>;
  /** The last release that became healthy. */
  lastGood(app: string): Promise<Release | undefined>;
  /** Images by digest of all releases of all apps that are kept. */
  images(): Promise<Set<string>>;
  /** Forgets everything about the app; the numbers of its environment go on. */
  delete(app: string): Promise<void>;
}

/** Number of instances that somebody asked for in place of the manifest's. */
export interface Scale {
  instances: number;
  by: string;
  /** Milliseconds since the epoch. */
  at: number;
  /** What the manifest said then; once a push brings another number, that one counts. */
  manifest: number;
  /** How many there were when it was suspended. */
  before?: number;
}

/** Keeps what somebody asked for, by app. */
export interface ScaleStore {
  find(app: string): Promise<Scale | undefined>;
  save(app: string, scale: Scale): Promise<void>;
  forget(app: string): Promise<void>;
}
