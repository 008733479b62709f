/** The bounds of an expansion; administrators may raise them. */

export interface Limits {
  /** INCLUDEs within each other. */
  depth: number;
  /** INCLUDEs carried out in one expansion. */
  includes: number;
  /** Bytes of one included file. */
  fileSize: number;
  /** Bytes of the expanded Dockerfile. */
  totalSize: number;
  /** Milliseconds for reading all files. */
  fetchMs: number;
}

export const defaultLimits: Limits = {
  depth: 16,
  includes: 100,
  fileSize: 256 * 1024,
  totalSize: 1024 * 1024,
  fetchMs: 10_000,
};

// Docker's scanner takes no longer line (bufio.MaxScanTokenSize), and says so without the file's name.
export const MAX_LINE = 65_535;
