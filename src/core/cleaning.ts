/** Cleaning takes away images, layers and tags of this installation that no release needs. */

/** What one image was, or is, taken for. */
export interface Removed {
  /** Its names where it has some, else its id. */
  names: string[];
  /** Bytes that nothing else needs; several images may share some of theirs. */
  bytes: number;
}

/** What cleaning did at one place; in a dry run, what it would do. */
export interface Cleaned {
  removed: Removed[];
  /** In all, each layer counted once. */
  bytes: number;
  /** What was left although nothing needs it, and what else people should know. */
  notes: string[];
}

export interface CleaningReport {
  dryRun: boolean;
  /** Images on the Docker host of this machine; absent where none answers. */
  host?: Cleaned;
  /** Bytes of BuildKit's cache beyond EKIDEN_BUILD_CACHE; absent where that is not set. */
  buildCache?: number;
  /** Manifests in the registry. */
  registry?: Cleaned;
}
