/** A Release is what ran or should run: image digest and full app definition, numbered, immutable. */

export interface Release {
  app: string;
  number: number;
  project: number;
  environment: string;
  service: string;
  sha: string;
  build: string;
  /** Image by digest. */
  image: string;
  /** The app definition as it was sent to Marathon. */
  definition: Record<string, unknown>;
  /** Names of the variables in it that GitLab gave, and of those among them that are secret. */
  variables?: string[];
  secrets?: string[];
  fragments: { file: string; sha256: string }[];
  createdAt: number;
}

/** Keeps releases. */
export interface ReleaseStore {
  /** The next number of the app. */
  next(app: string): Promise<number>;
  create(release: Release): Promise<void>;
  find(app: string, number: number): Promise<Release | undefined>;
  /** Notes that the release became healthy. */
  markGood(app: string, number: number): Promise<void>;
  /** The last release that became healthy. */
  lastGood(app: string): Promise<Release | undefined>;
  /** Forgets everything about the app. */
  delete(app: string): Promise<void>;
}
