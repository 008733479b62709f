/** Reads one INCLUDE instruction: `INCLUDE [--once] SOURCE [NAME=VALUE ...]`. */

import { toUtf8 } from './bytes.ts';
import type { Problem } from './diagnostic.ts';
import type { LogicalLine } from './instructions.ts';
import { nearestNames } from './nearest.ts';
import { type Span, spanOf } from './spots.ts';
import { expandPieces, type Scope } from './variables.ts';
import {
  leadingText,
  MAX_WORD,
  type Piece,
  type Reference,
  splitWords,
  type Word,
  withoutLeading,
} from './words.ts';

export interface Statement {
  once: boolean;
  /** As it is meant: quotes, escapes and variables resolved. */
  source: string;
  /** Where the source is written, in bytes of the file. */
  span: Span;
  inputs: GivenInput[];
}

/** `NAME=VALUE` of an INCLUDE. */
export interface GivenInput {
  name: string;
  /** As latin1. */
  value: string;
  span: Span;
}

export interface StatementOptions {
  line: LogicalLine;
  /** The character that escapes in the file. */
  token: string;
  /** The variables at this line. */
  scope: Scope;
}

/** The statement cannot be read; the span says where. */
export class StatementError extends Error {
  readonly problem: Problem;
  readonly span: Span;

  constructor(problem: Problem, span: Span) {
    super(problem.message);
    this.problem = problem;
    this.span = span;
  }
}

/** Where a word, or a part of it, stands in the logical line. */
type Range = Pick<Word, 'from' | 'to'>;

interface Reading extends StatementOptions {
  fail(problem: Problem, range: Range): never;
}

const GRAMMAR =
  'Write INCLUDE [--once] SOURCE [NAME=VALUE ...], where SOURCE is a path, template:NAME@VERSION or project:GROUP/PROJECT@REF:PATH.';
const VARIABLE_GRAMMAR = `INCLUDE reads $X, \${X}, \${X:-default} and \${X-default}; '$' is the sign.`;
const INPUT_GRAMMAR =
  'To use $[[ NAME ]] declare the input above the first instruction: # ekiden: input NAME=DEFAULT.';
// So many variables fit into a hint.
const MAX_SHOWN = 20;
const INPUT = /^([A-Za-z_][A-Za-z0-9_]*)=/;

/** Reads the logical line of an INCLUDE. Throws StatementError for the first word that is wrong. */
export function parseStatement(options: StatementOptions): Statement {
  const { line, token } = options;
  const reading: Reading = {
    ...options,
    fail(problem, range) {
      throw new StatementError(problem, spanOf(line, range));
    },
  };
  const words = splitWords(line.text, token).slice(1);
  const flags = words.findIndex((word) => !leadingText(word).startsWith('--'));
  for (const flag of flags === -1 ? words : words.slice(0, flags)) readFlag(reading, flag);
  const [source, ...others] = flags === -1 ? [] : words.slice(flags);
  if (!source) reading.fail(syntax('INCLUDE names no source'), { from: 0, to: 'INCLUDE'.length });
  return {
    once: flags > 0,
    source: readSource(reading, source),
    span: spanOf(line, source),
    inputs: others.map((word) => readInput(reading, word)),
  };
}

function readFlag(reading: Reading, word: Word): void {
  const value = readText(reading, word, word.pieces);
  if (value !== '--once') reading.fail(syntax(`INCLUDE has no flag ${toUtf8(value)}`), word);
}

function readSource(reading: Reading, word: Word): string {
  const source = toUtf8(readText(reading, word, word.pieces));
  if (source === '') reading.fail(syntax('INCLUDE names no source'), word);
  if (source.startsWith('[')) reading.fail(syntax('INCLUDE has no JSON form'), word);
  if (/\p{Cc}/u.test(source)) {
    reading.fail(syntax('a control character stands in what INCLUDE names'), word);
  }
  return source;
}

function readInput(reading: Reading, word: Word): GivenInput {
  const text = leadingText(word);
  const name = INPUT.exec(text)?.[1];
  if (name === undefined) {
    const shown = toUtf8(readText(reading, word, word.pieces));
    if (shown.startsWith('--')) {
      reading.fail(syntax(`the flag ${shown} must stand before the source`), word);
    }
    const hint = reading.line.text.includes('$[[') ? INPUT_GRAMMAR : GRAMMAR;
    reading.fail(syntax(`${shown} is not of the form NAME=VALUE`, hint), word);
  }
  const value = readText(reading, word, withoutLeading(word.pieces, name.length + 1));
  return { name, value, span: spanOf(reading.line, word) };
}

/** What pieces of a word come to, as latin1. */
function readText({ line, scope, fail }: Reading, word: Word, pieces: readonly Piece[]): string {
  if (word.problem !== undefined) {
    const hint = word.problem.includes('variable') ? VARIABLE_GRAMMAR : GRAMMAR;
    fail(syntax(toUtf8(word.problem), hint), word);
  }
  if (line.text.charAt(word.from) === '#') {
    const hint = 'Give the comment a line of its own.';
    fail(syntax('a comment cannot stand behind INCLUDE', hint), word);
  }
  const text = expandPieces(pieces, scope.lookup);
  if (typeof text !== 'string') return fail(undefinedVariable(text, scope), text);
  if (text.length > MAX_WORD) {
    fail(syntax(`a word of INCLUDE has more than ${MAX_WORD} bytes`), word);
  }
  return text;
}

function syntax(message: string, hint = GRAMMAR): Problem {
  return { code: 'E_SYNTAX', message, hint };
}

function undefinedVariable({ name }: Reference, scope: Scope): Problem {
  const names = scope.names();
  const near = nearestNames(name, names);
  const meant = near.length > 0 ? `Did you mean ${near.join(' or ')}? ` : '';
  const more = names.length > MAX_SHOWN ? ` and ${names.length - MAX_SHOWN} more` : '';
  const shown = names.slice(0, MAX_SHOWN).join(', ') + more;
  const known = names.length > 0 ? `Here are ${shown}.` : 'There are none here.';
  const why = scope.isBareArg(name)
    ? `The ARG ${name} above has no default that INCLUDE can read, and the build gives it no value.`
    : 'An ARG counts below its line in its own file, ENV never; a fragment gets values by NAME=VALUE.';
  return {
    code: 'E_VAR_UNDEFINED',
    message: `the variable ${name} has no value here`,
    hint: `${meant}${known} ${why} \${${name}:-default} gives a default.`,
  };
}
