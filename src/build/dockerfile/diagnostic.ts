/** Errors and warnings about INCLUDE that point at the line the developer wrote. */

import { InputError, RemoteError } from '../../core/errors.ts';
import { toUtf8 } from './bytes.ts';
import type { Origin } from './source-map.ts';
import { viewOfDiagnostic } from './view.ts';

export type Severity = 'error' | 'warning' | 'note';

/** What is wrong, apart from where. */
export interface Problem {
  /** Such as `E_NOT_FOUND` or `W_UNPINNED`. */
  code: string;
  message: string;
  /** What to do about it, as one sentence. */
  hint?: string;
}

/** A stretch of one line. */
export interface Place extends Origin {
  /** From 1, in characters. */
  column: number;
  /** Number of characters that the caret underlines, at least 1. */
  width: number;
}

export interface Diagnostic extends Problem {
  severity: Severity;
  place: Place;
  /** The INCLUDE lines that led to the file, outermost first. */
  via: readonly Origin[];
  /** The line above the place, where there is one, and the place's own; cut to a width that fits a screen. */
  excerpt: { line: number; text: string }[];
  /** Whether the same may go well at another time. */
  retryable: boolean;
}

/** INCLUDE cannot be carried out; the diagnostic says where and why. */
export class IncludeError extends InputError {
  readonly diagnostic: Diagnostic;

  constructor(diagnostic: Diagnostic, cause?: unknown) {
    const { code, message, place, hint } = diagnostic;
    super(`${place.file}:${place.line}:${place.column}: ${message}`, {
      status: 422,
      code,
      cause,
      ...(hint === undefined ? {} : { hint }),
      extra: { diagnostic: viewOfDiagnostic(diagnostic) },
    });
    this.diagnostic = diagnostic;
  }
}

/** A file could not be read now, and may be read later; the diagnostic says for which INCLUDE. */
export class FetchError extends RemoteError {
  readonly diagnostic: Diagnostic;

  constructor(error: RemoteError, spot: Spot) {
    const hint = 'A build tries it again by itself.';
    const problem = { code: 'E_FETCH', message: error.message, hint };
    const diagnostic = describe('error', problem, spot);
    const { file, line, column } = diagnostic.place;
    super(`${file}:${line}:${column}: ${error.message}`, {
      code: 'E_FETCH',
      hint,
      cause: error,
      extra: { diagnostic: viewOfDiagnostic(diagnostic) },
      ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter }),
    });
    this.diagnostic = diagnostic;
  }
}

/** A place in the bytes of a file, before it is described for people. */
export interface Spot {
  file: string;
  /** The file as latin1. */
  text: string;
  line: number;
  /** Byte offsets into the file. */
  from: number;
  to: number;
  via: readonly Origin[];
}

// Longer lines are cut in excerpts; a terminal shows about this much.
const EXCERPT_WIDTH = 160;

// Longer than what is said of any file that a person wrote.
const MAX_SAID = 4_000;

// What is wrong with the files themselves stays so until somebody changes them.
const RETRYABLE = new Set(['E_FETCH']);

export function describe(severity: Severity, problem: Problem, spot: Spot): Diagnostic {
  const { file, text, line, via } = spot;
  const start = text.lastIndexOf('\n', spot.from - 1) + 1;
  const lineEnd = text.indexOf('\n', start);
  const end = lineEnd === -1 ? text.length : lineEnd;
  const column = toUtf8(text.slice(start, spot.from)).length + 1;
  const width = Math.max(1, toUtf8(text.slice(spot.from, Math.min(spot.to, end))).length);
  const excerpt = [{ line, text: excerptLine(text.slice(start, end)) }];
  if (start > 0) {
    const above = text.slice(text.lastIndexOf('\n', start - 2) + 1, start - 1);
    excerpt.unshift({ line: line - 1, text: excerptLine(above) });
  }
  const place = { file, line, column, width };
  const { code, hint } = problem;
  return {
    code,
    message: shown(problem.message),
    ...(hint === undefined ? {} : { hint: shown(hint) }),
    severity,
    place,
    via,
    excerpt,
    retryable: RETRYABLE.has(code),
  };
}

/** The error that says so. */
export function includeError(problem: Problem, spot: Spot, cause?: unknown): IncludeError {
  return new IncludeError(describe('error', problem, spot), cause);
}

/** Several lines for a terminal or a build log: what, where, the source with a caret, and what to do. */
export function renderDiagnostic(diagnostic: Diagnostic): string {
  const { severity, code, message, place, via, excerpt, hint } = diagnostic;
  const gutter = String(place.line).length;
  const lines = [
    `${severity} ${code}: ${message}`,
    `${' '.repeat(gutter)}--> ${place.file}:${place.line}:${place.column}`,
    ...excerpt.map(({ line, text }) => `${String(line).padStart(gutter)} | ${text}`),
  ];
  if (place.column <= EXCERPT_WIDTH) {
    const caret = '^'.repeat(Math.min(place.width, EXCERPT_WIDTH - place.column + 1));
    lines.push(`${' '.repeat(gutter)} | ${' '.repeat(place.column - 1)}${caret}`);
  }
  for (const { file, line } of [...via].reverse()) lines.push(`  included from ${file}:${line}`);
  if (hint !== undefined) lines.push(`  hint: ${hint}`);
  return lines.join('\n');
}

function excerptLine(bytes: string): string {
  // No character of UTF-8 takes more than four bytes.
  const cut = toUtf8(bytes.slice(0, 4 * EXCERPT_WIDTH)).slice(0, EXCERPT_WIDTH);
  return withoutControls(cut.trimEnd());
}

/** What is said, and cut where a hostile file has names that no screen holds. */
function shown(text: string): string {
  return withoutControls(text.length > MAX_SAID ? `${text.slice(0, MAX_SAID)}…` : text);
}

/** They could move the cursor of the reader's terminal; a tab would shift the caret. */
function withoutControls(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}
