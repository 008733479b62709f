/** Reads one INCLUDE instruction into its words: `INCLUDE [--once] SOURCE [NAME=VALUE ...]`. */

import type { Problem } from './diagnostic.ts';
import type { LogicalLine } from './instructions.ts';

export interface Statement {
  once: boolean;
  /** As it is meant: quotes and escapes resolved, decoded as UTF-8. */
  source: string;
  /** Where the source is written, in bytes of the file. */
  span: Span;
}

/** A stretch of bytes on one physical line. */
export interface Span {
  line: number;
  from: number;
  to: number;
}

/** The statement, or what is wrong with it and where. */
export type StatementResult = Statement | { problem: Problem; span: Span };

interface Word {
  value: string;
  /** Indices into the logical line. */
  from: number;
  to: number;
  /** Index of the first `$` that starts a variable. */
  variable: number | undefined;
  isOpen: boolean;
}

const GRAMMAR = 'Write INCLUDE [--once] SOURCE, with a path or template:NAME@VERSION as SOURCE.';
// Longer than any path that git or GitLab would take.
const MAX_WORD = 4096;
const SEPARATORS = /[\t\v\f\r ]/;
const VARIABLE_START = /[A-Za-z_{]/;

/** Reads the logical line of an INCLUDE; `token` is the byte that escapes in this file. */
export function parseStatement(line: LogicalLine, token: number): StatementResult {
  const words = splitWords(line.text, String.fromCharCode(token)).slice(1);
  const isFlag = ({ value }: Word) => value.startsWith('--');
  const sourceAt = words.findIndex((word) => !isFlag(word));
  const source = words[sourceAt];
  const found = findProblem(words, sourceAt);
  if (found) return { problem: found.problem, span: spanOf(line, found) };
  if (!source?.value) {
    const problem = { code: 'E_SYNTAX', message: 'INCLUDE names no source', hint: GRAMMAR };
    return { problem, span: spanOf(line, source ?? { from: 0, to: 'INCLUDE'.length }) };
  }
  return {
    once: sourceAt > 0,
    source: decode(source.value),
    span: spanOf(line, source),
  };
}

function findProblem(words: Word[], sourceAt: number) {
  for (const [index, word] of words.entries()) {
    const place = sourceAt === -1 ? 'flag' : placeOf(index, sourceAt);
    const problem = problemOf(word, place);
    if (problem) return { problem, from: word.from, to: word.to };
  }
  return undefined;
}

function placeOf(index: number, sourceAt: number): 'flag' | 'source' | 'argument' {
  if (index === sourceAt) return 'source';
  return index < sourceAt ? 'flag' : 'argument';
}

function problemOf(word: Word, place: 'flag' | 'source' | 'argument'): Problem | undefined {
  const value = decode(word.value);
  const syntax = (message: string, hint = GRAMMAR) => ({ code: 'E_SYNTAX', message, hint });
  if (word.isOpen) return syntax('a quote is opened and never closed');
  if (value.startsWith('#')) {
    return syntax('a comment cannot stand behind INCLUDE', 'Give the comment a line of its own.');
  }
  if (word.value.length > MAX_WORD)
    return syntax(`a word of INCLUDE has more than ${MAX_WORD} bytes`);
  if (/\p{Cc}/u.test(value)) return syntax('a control character stands in INCLUDE');
  if (word.variable !== undefined) return VARIABLES;
  if (place === 'flag' && value !== '--once') return syntax(`INCLUDE has no flag ${value}`);
  if (place === 'source' && value.startsWith('[')) return syntax('INCLUDE has no JSON form');
  if (place !== 'argument') return undefined;
  if (value.startsWith('--')) return syntax(`the flag ${value} must stand before the source`);
  return value.includes('=') ? INPUTS : syntax(`${value} is not of the form NAME=VALUE`);
}

const VARIABLES: Problem = {
  code: 'E_UNSUPPORTED',
  message: 'variables in INCLUDE are not supported yet',
  hint: "Write the path or version out; a literal dollar sign goes into single quotes: '$'.",
};

const INPUTS: Problem = {
  code: 'E_UNSUPPORTED',
  message: 'inputs (NAME=VALUE) are not supported yet',
  hint: 'Use an ARG before the INCLUDE that the fragment reads; ARG and ENV work as everywhere.',
};

/** Blanks separate; '…' is literal; "…" knows \" \\ \$; outside quotes the escape takes the next character. */
function splitWords(text: string, escapeCharacter: string): Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < text.length) {
    if (SEPARATORS.test(text.charAt(at))) at++;
    else {
      const word = readWord(text, at, escapeCharacter);
      words.push(word);
      at = word.to;
    }
  }
  return words;
}

function readWord(text: string, from: number, escapeCharacter: string): Word {
  const word: Word = { value: '', from, to: from, variable: undefined, isOpen: false };
  let quote = '';
  while (word.to < text.length) {
    const character = text.charAt(word.to);
    if (quote === '' && SEPARATORS.test(character)) break;
    const next = text.charAt(word.to + 1);
    const escapes =
      quote === '' ? character === escapeCharacter : quote === '"' && character === '\\';
    if (escapes && next !== '' && (quote === '' || '"\\$'.includes(next))) {
      word.value += next;
      word.to++;
    } else if (character === quote) quote = '';
    else if (quote === '' && (character === '"' || character === "'")) quote = character;
    else {
      if (character === '$' && quote !== "'" && VARIABLE_START.test(next))
        word.variable ??= word.to;
      word.value += character;
    }
    word.to++;
  }
  word.isOpen = quote !== '';
  return word;
}

/** The first physical stretch of [from, to) of a logical line. */
function spanOf(line: LogicalLine, { from, to }: { from: number; to: number }): Span {
  let index = line.pieces.length - 1;
  while (index > 0 && (line.pieces[index]?.at ?? 0) > from) index--;
  const piece = line.pieces[index] ?? { at: 0, offset: 0, line: 1 };
  const end = Math.min(to, line.pieces[index + 1]?.at ?? line.text.length);
  return {
    line: piece.line,
    from: piece.offset + from - piece.at,
    to: piece.offset + end - piece.at,
  };
}

function decode(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
