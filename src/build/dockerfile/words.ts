/** Splits a line into words with quotes, escapes and references to variables; all of it latin1, one character a byte. */

import { fromUtf8 } from './bytes.ts';

/** With `-` the text stands in where the variable is not set, with `+` where it is; with `:` empty is not set. */
export type Sign = '-' | ':-' | '+' | ':+';

/** `$X`, `${X}`, `${X-d}` or `${X:-d}`, and such with other signs where they are asked for. */
export interface Reference {
  name: string;
  otherwise: { sign: Sign; pieces: Piece[] } | undefined;
  /** Indices into the line. */
  from: number;
  to: number;
}

/** What a word is made of: text as it is meant, and references. */
export type Piece = string | Reference;

export interface Word {
  pieces: Piece[];
  /** Indices into the line. */
  from: number;
  to: number;
  /** Why it cannot be read, where it cannot. */
  problem: string | undefined;
}

interface Reader {
  readonly line: string;
  /** The character that escapes. */
  readonly token: string;
  readonly signs: readonly Sign[];
  at: number;
  /** How many `${` are open. */
  depth: number;
  problem: string | undefined;
}

const SEPARATORS = /[\t\v\f\r ]/;
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
// Longer than any path that git or GitLab would take.
export const MAX_WORD = 4096;
// Nobody nests defaults so deep; the bound keeps a hostile line from exhausting the stack.
const MAX_DEPTH = 16;
const INCLUDE_SIGNS: readonly Sign[] = [':-', '-'];

/** Blanks separate; '…' is literal; "…" knows \" \\ \$; outside quotes the escape takes the next character. */
export function splitWords(line: string, token: string): Word[] {
  const words: Word[] = [];
  for (let at = 0; at < line.length; ) {
    if (SEPARATORS.test(line.charAt(at))) at++;
    else {
      const word = readWord(line, at, token);
      words.push(word);
      at = word.to;
    }
  }
  return words;
}

/** The word that begins at `from`; by default with the signs that INCLUDE reads. */
export function readWord(
  line: string,
  from: number,
  token: string,
  signs: readonly Sign[] = INCLUDE_SIGNS,
): Word {
  const reader: Reader = { line, token, signs, at: from, depth: 0, problem: undefined };
  const pieces = readPieces(reader, (character) => SEPARATORS.test(character));
  return { pieces, from, to: reader.at, problem: reader.problem };
}

/** The text that the word begins with, up to its first reference. */
export function leadingText({ pieces }: Pick<Word, 'pieces'>): string {
  return typeof pieces[0] === 'string' ? pieces[0] : '';
}

/** The pieces without the first `count` characters of the leading text. */
export function withoutLeading(pieces: readonly Piece[], count: number): Piece[] {
  const [first, ...others] = pieces;
  return typeof first === 'string' ? [first.slice(count), ...others] : [...pieces];
}

function readPieces(reader: Reader, isEnd: (character: string) => boolean): Piece[] {
  const pieces: Piece[] = [];
  const { line, token } = reader;
  while (reader.at < line.length && !isEnd(line.charAt(reader.at))) {
    const character = line.charAt(reader.at++);
    if (character === "'") add(pieces, readSingleQuoted(reader));
    else if (character === '"') readDoubleQuoted(reader, pieces);
    else if (character === '$') add(pieces, readDollar(reader));
    else if (character === token && reader.at < line.length) {
      add(pieces, line.charAt(reader.at++));
    } else add(pieces, character);
  }
  return pieces;
}

function add(pieces: Piece[], piece: Piece): void {
  const last = pieces.length - 1;
  const before = pieces[last];
  if (typeof piece === 'string' && typeof before === 'string') pieces[last] = before + piece;
  else pieces.push(piece);
}

function readSingleQuoted(reader: Reader): string {
  const from = reader.at;
  const end = reader.line.indexOf("'", from);
  if (end === -1) reader.problem ??= OPEN_QUOTE;
  reader.at = end === -1 ? reader.line.length : end + 1;
  return reader.line.slice(from, end === -1 ? undefined : end);
}

function readDoubleQuoted(reader: Reader, pieces: Piece[]): void {
  const { line } = reader;
  add(pieces, '');
  while (reader.at < line.length) {
    const character = line.charAt(reader.at++);
    if (character === '"') return;
    const next = line.charAt(reader.at);
    if (character === '$') add(pieces, readDollar(reader));
    else if (character === '\\' && next !== '' && '"\\$'.includes(next)) {
      add(pieces, next);
      reader.at++;
    } else add(pieces, character);
  }
  reader.problem ??= OPEN_QUOTE;
}

const OPEN_QUOTE = 'a quote is opened and never closed';

/** Behind a dollar sign; the sign itself where no reference follows. */
function readDollar(reader: Reader): Piece {
  const from = reader.at - 1;
  const isBraced = reader.line.charAt(reader.at) === '{';
  if (isBraced) reader.at++;
  const name = readName(reader);
  if (!isBraced) {
    return name === '' ? '$' : { name, otherwise: undefined, from, to: reader.at };
  }
  const otherwise = name === '' ? undefined : readOtherwise(reader);
  if (name === '' || reader.line.charAt(reader.at) !== '}') {
    const text = reader.line.slice(from, reader.at + 1);
    reader.problem ??= `${text}${text.endsWith('}') ? '' : fromUtf8('…')} is no variable that INCLUDE reads`;
    return '';
  }
  reader.at++;
  return { name, otherwise, from, to: reader.at };
}

function readOtherwise(reader: Reader): Reference['otherwise'] {
  const sign = reader.signs.find((one) => reader.line.startsWith(one, reader.at));
  if (sign === undefined || ++reader.depth > MAX_DEPTH) return undefined;
  reader.at += sign.length;
  const pieces = readPieces(reader, (character) => character === '}');
  reader.depth--;
  return { sign, pieces };
}

function readName(reader: Reader): string {
  NAME.lastIndex = reader.at;
  const name = NAME.exec(reader.line)?.[0] ?? '';
  reader.at += name.length;
  return name;
}
