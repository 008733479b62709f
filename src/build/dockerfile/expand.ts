/** INCLUDE: replaces each INCLUDE line of a Dockerfile by the bytes of a file, before Docker sees it. */

import { InputError, RemoteError } from '../../core/errors.ts';
import { type Diagnostic, describe } from './diagnostic.ts';
import type { Sources } from './fetch.ts';
import { type ParsedDockerfile, parseDockerfile } from './instructions.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { loadIncludes } from './load.ts';
import { resolvePath } from './source.ts';
import { openDockerfile } from './source-file.ts';
import type { TracedRun } from './source-map.ts';
import { type Included, spliceIncludes } from './splice.ts';

export interface ExpandOptions extends Sources {
  /** Path of the Dockerfile in the repository. */
  file: string;
  limits?: Partial<Limits>;
}

export interface Expansion {
  /** What Docker gets; the very Buffer that was read where nothing is included. */
  bytes: Buffer;
  /** Where each line of `bytes` was written. */
  map: TracedRun[];
  /** Every splice, in the order of the output. */
  included: Included[];
  /** Warnings and notes. */
  warnings: Diagnostic[];
}

// The word itself, or a part of it that goes on in the next line; no INCLUDE can do without.
const MAY_INCLUDE = /include|(?:i|in|inc|incl|inclu|includ)[\\`][ \t\r]*$/im;
// Frontends with an INCLUDE of their own, which must see their lines unchanged.
const OTHER_FRONTEND = /dockerfile-x/i;

/**
 * Expands the Dockerfile of a commit. Throws IncludeError with code and place for what the developer can mend,
 * InputError where there is no such Dockerfile, and passes on what the sources throw.
 */
export async function expandDockerfile(options: ExpandOptions): Promise<Expansion> {
  const limits = { ...defaultLimits, ...options.limits };
  return withDeadline(expand(options, limits), limits.fetchMs);
}

async function expand({ file, ...sources }: ExpandOptions, limits: Limits): Promise<Expansion> {
  const path = resolvePath('', file) ?? '';
  const bytes = await sources.read(path);
  if (!bytes) {
    throw new InputError(`there is no ${file} in the repository at this commit`, {
      code: 'E_NOT_FOUND',
      hint: 'Commit a Dockerfile, or name another one in .ekiden.yml (build.dockerfile).',
    });
  }
  if (!MAY_INCLUDE.test(bytes.toString('latin1'))) return unchanged(path, bytes);
  const parsed = parseDockerfile(bytes);
  const frontend = otherFrontend(path, parsed);
  if (frontend) return { ...unchanged(path, bytes), warnings: [frontend] };
  const root = openDockerfile({ id: path, path, bytes }, parsed);
  if (root.includes.size === 0) return unchanged(path, bytes);
  const warnings = await loadIncludes(root, sources, limits);
  const splice = spliceIncludes(root, limits);
  return { ...splice, warnings: [...warnings, ...splice.warnings] };
}

function unchanged(file: string, bytes: Buffer): Expansion {
  const count = countLines(bytes);
  const map = count > 0 ? [{ file, line: 1, count, via: [] }] : [];
  return { bytes, map, included: [], warnings: [] };
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; count++) {
    const lineFeed = bytes.indexOf(0x0a, at);
    at = lineFeed === -1 ? bytes.length : lineFeed + 1;
  }
  return count;
}

function otherFrontend(file: string, { text, head }: ParsedDockerfile): Diagnostic | undefined {
  const syntax = head.directives.find(({ name }) => name === 'syntax');
  if (!syntax || !OTHER_FRONTEND.test(syntax.value)) return undefined;
  const problem = {
    code: 'N_OTHER_FRONTEND',
    message: `INCLUDE is left to ${syntax.value}, which has its own`,
  };
  const { line } = syntax;
  return describe('note', problem, {
    file,
    text,
    line,
    from: text.indexOf('#'),
    to: head.end,
    via: [],
  });
}

/** Bounds the whole expansion; a read that is still under way is left to its own time-out. */
async function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `reading the included files took longer than ${ms / 1000} s`;
    timer = setTimeout(() => reject(new RemoteError(message, { code: 'E_FETCH' })), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
