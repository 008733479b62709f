/** INCLUDE: replaces each INCLUDE line of a Dockerfile by the bytes of a file, before Docker sees it. */

import type { WrittenLine } from '../../core/build.ts';
import { InputError, RemoteError } from '../../core/errors.ts';
import { withDeadline } from './deadline.ts';
import { type Diagnostic, describe, FetchError, type Spot } from './diagnostic.ts';
import type { Sources } from './fetch.ts';
import { heredocWarnings } from './heredoc-warnings.ts';
import { type ParsedDockerfile, parseDockerfile } from './instructions.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { loadIncludes } from './load.ts';
import { resolvePath } from './source.ts';
import { openDockerfile } from './source-file.ts';
import type { TracedRun } from './source-map.ts';
import { type Included, spliceIncludes } from './splice.ts';
import { spotOfLine } from './spots.ts';
import { given } from './variables.ts';

export interface ExpandOptions extends Sources {
  /** Path of the Dockerfile in the repository. */
  file: string;
  limits?: Partial<Limits>;
  /** Build args of the build: INCLUDE's words may name those that the file declares by ARG above. */
  args?: Record<string, string>;
  /** Variables that INCLUDE's words may name in every file, such as `EKIDEN_SHA`. */
  variables?: Record<string, string>;
  /** Parts of the names of frontends with an INCLUDE of their own; default: `dockerfile-x`. */
  otherFrontends?: readonly string[];
  /** False where the Docker that builds knows no heredocs by itself (below 23.0, and the classic builder). */
  heredocs?: boolean;
}

export interface Expansion {
  /** What Docker gets; the very Buffer that was read where nothing is included. */
  bytes: Buffer;
  /** Where each line of `bytes` was written. */
  map: TracedRun[];
  /** Lines of `bytes` that hold the value of an input, in order. */
  written: WrittenLine[];
  /** Every splice, in the order of the output. */
  included: Included[];
  /** Repeats that `--once` left out. */
  skipped: Included[];
  /** Warnings and notes. */
  warnings: Diagnostic[];
}

export const defaultFrontends: readonly string[] = ['dockerfile-x'];

// The word itself, or a part of it that goes on in the next line; no INCLUDE can do without.
const HAS_WORD = /include|(?:i|in|inc|incl|inclu|includ)[\\`][ \t\r]*$/im;
// The same at the beginning of a line, where every INCLUDE and ONBUILD INCLUDE has at least a part of its keyword. A CR
// among the blanks is a beginning as well, and were it one of them, many in a row would be read again from each.
const HAS_LINE =
  /^[\t\v\f \x80-\xff]*(?:include|onbuild|(?:i|in|inc|incl|inclu|includ|o|on|onb|onbu|onbui|onbuil)[\\`][ \t\r]*$)/im;
const LINE_FEED = 0x0a;
// No input can be declared without.
const PRAGMA = 'ekiden:';

/**
 * Expands the Dockerfile of a commit. Throws IncludeError with code and place for what the developer can mend,
 * FetchError for a file that cannot be read now, InputError where there is no such Dockerfile, and passes on what the
 * sources throw.
 */
export async function expandDockerfile(options: ExpandOptions): Promise<Expansion> {
  const limits = { ...defaultLimits, ...options.limits };
  const waiting = new Set<Spot>();
  const late = () => lateError(limits, waiting);
  const expansion = await withDeadline(expand(options, limits, waiting), {
    ms: limits.fetchMs,
    late,
  });
  if (options.heredocs !== false) return expansion;
  return { ...expansion, warnings: [...expansion.warnings, ...heredocWarnings(expansion)] };
}

async function expand(
  options: ExpandOptions,
  limits: Limits,
  waiting: Set<Spot>,
): Promise<Expansion> {
  const path = resolvePath('', options.file) ?? '';
  const bytes = await options.read(path);
  if (!bytes) throw noDockerfile(options.file);
  const text = bytes.toString('latin1');
  if (!mayAsk(text)) return unchanged(path, bytes);
  const parsed = parseDockerfile(bytes);
  const frontend = otherFrontend(path, parsed, options.otherFrontends ?? defaultFrontends);
  if (frontend) return { ...unchanged(path, bytes), warnings: [frontend] };
  const setting = { limits, given: given(options.args ?? {}, options.variables ?? {}) };
  const root = openDockerfile({ id: path, path, bytes }, parsed, setting);
  if (root.includes.size === 0 && root.bytes === bytes) return unchanged(path, bytes);
  const warnings = await loadIncludes(root, { sources: options, setting, waiting });
  const splice = spliceIncludes(root, limits);
  return { ...splice, warnings: [...warnings, ...splice.warnings] };
}

/** Whether the file could hold an INCLUDE or an input; quick, as most files hold none. */
function mayAsk(text: string): boolean {
  return (HAS_WORD.test(text) && HAS_LINE.test(text)) || text.includes(PRAGMA);
}

function unchanged(file: string, bytes: Buffer): Expansion {
  const count = countLines(bytes);
  const map = count > 0 ? [{ file, line: 1, count, via: [] }] : [];
  return { bytes, map, written: [], included: [], skipped: [], warnings: [] };
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === LINE_FEED) count++;
  const isOpen = bytes.length > 0 && bytes[bytes.length - 1] !== LINE_FEED;
  return isOpen ? count + 1 : count;
}

function otherFrontend(
  id: string,
  { text, head, instructions }: ParsedDockerfile,
  frontends: readonly string[],
): Diagnostic | undefined {
  const { syntax } = head;
  const isOther = frontends.some((name) =>
    syntax?.value.toLowerCase().includes(name.toLowerCase()),
  );
  if (!syntax || !isOther || !instructions.some(({ keyword }) => keyword === 'INCLUDE')) {
    return undefined;
  }
  const problem = {
    code: 'N_OTHER_FRONTEND',
    message: `INCLUDE is left to ${syntax.value}, which has its own`,
    hint: 'Without this # syntax= line the INCLUDEs are read by Ekiden.',
  };
  return describe('note', problem, spotOfLine({ id, text }, syntax.line, []));
}

function noDockerfile(file: string): InputError {
  return new InputError(`there is no ${file} in the repository at this commit`, {
    status: 422,
    code: 'E_NOT_FOUND',
    hint: 'Commit a Dockerfile, or name another one in .ekiden.yml (build.dockerfile).',
  });
}

function lateError({ fetchMs }: Limits, waiting: ReadonlySet<Spot>): Error {
  const message = `reading the included files took longer than ${fetchMs / 1000} s`;
  const error = new RemoteError(message, { code: 'E_FETCH', hint: 'It is tried again.' });
  const [first] = waiting;
  return first ? new FetchError(error, first) : error;
}
