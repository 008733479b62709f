/** The bounds of an expansion, the settings by which administrators change them, and what is said where one is passed. */

import type { Problem } from './diagnostic.ts';

export interface Limits {
  /** INCLUDEs within each other. */
  depth: number;
  /** INCLUDEs carried out in one expansion, and INCLUDE lines in the files read for it, with those left out as repeats. */
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

// More of them say nothing new, and a hostile fragment would fill logs and answers with a hundred thousand.
export const MAX_WARNINGS = 100;

export function depthProblem({ depth }: Limits): Problem {
  return {
    code: 'E_DEPTH',
    message: `includes are nested deeper than ${depth}`,
    hint: `Include the inner files directly, or ${raise('EKIDEN_INCLUDE_DEPTH')}`,
  };
}

export function countProblem({ includes }: Limits): Problem {
  return {
    code: 'E_COUNT',
    message: `there are more than ${includes} includes`,
    hint: `Join small fragments, or ${raise('EKIDEN_INCLUDE_FILES')}`,
  };
}

export function fileSizeProblem({ fileSize }: Limits, file: string, size: number): Problem {
  return {
    code: 'E_FILE_SIZE',
    message: `${file} has ${size} bytes, and an included file may have ${fileSize}`,
    hint: `Split the file, or ${raise('EKIDEN_INCLUDE_FILE_SIZE')}`,
  };
}

export function totalSizeProblem({ totalSize }: Limits): Problem {
  return {
    code: 'E_TOTAL_SIZE',
    message: `the expanded Dockerfile has more than ${totalSize} bytes`,
    hint: `Include less, or ${raise('EKIDEN_INCLUDE_TOTAL_SIZE')}`,
  };
}

function raise(setting: string): string {
  return `ask an administrator for a higher ${setting}.`;
}
