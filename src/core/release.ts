/** A Release is what ran or should run: image digest and full app definition, numbered, immutable. */
import type { ServiceSpec } from './manifest.ts';

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
  /** What the manifest said of the service. */
  spec: ServiceSpec;
  /** How many services the repository had. */
  serviceCount: number;
  /** Seconds that its deployment had. */
  deadline: number;
  /** Image by digest. */
  image: string;
  /** The app definition as it was sent to Marathon, with the values of variables: never to be shown. */
  definition: Record<string, unknown>;
  /** Names of the variables in it that GitLab gave, and of those among them that are secret. */
  variables?: string[];
  secrets?: string[];
  fragments: { file: string; sha256: string }[];
  createdAt: number;
}

/** Keeps the newest 50 releases of each app, and the last good one. */
export interface ReleaseStore {
  /** The next number of the app. */
  next(app: string): Promise<number>;
  create(release: Release): Promise<void>;
  find(app: string, number: number): Promise<Release | undefined>;
  /** Notes that the release became healthy. */
  markGood(app: string, number: number): Promise<void>;
  /** Numbers of the releases that are kept and became healthy, newest first. */
  good(app: string): Promise<number[]>;
  /** The last release that became healthy. */
  lastGood(app: string): Promise<Release | undefined>;
  /** Images by digest of all releases of all apps that are kept. */
  images(): Promise<Set<string>>;
  /** Forgets everything about the app. */
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
}

/** Keeps what somebody asked for, by app. */
export interface ScaleStore {
  find(app: string): Promise<Scale | undefined>;
  save(app: string, scale: Scale): Promise<void>;
  forget(app: string): Promise<void>;
}
