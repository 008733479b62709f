/** Splits a Dockerfile into its instructions at exactly the boundaries that BuildKit's parser finds. */

import { toUtf8 } from './bytes.ts';
import { BACKSLASH, type Head, readHead } from './directives.ts';
import { findHeredocs, type Heredoc, trimSpace } from './heredoc.ts';
import {
  advance,
  cursorAt,
  endWithoutBlanks,
  escapePosition,
  HASH,
  isContinued,
  type LineCursor,
  skipBlanks,
  TAB,
} from './lines.ts';

export interface Instruction {
  /** Upper case, such as `RUN`; also words that Docker does not know. */
  keyword: string;
  /** First and last physical line, from 1, with the bodies of heredocs. */
  startLine: number;
  endLine: number;
  /** Byte offsets of these lines; `end` lies behind the last line end. */
  start: number;
  end: number;
  /** Offset behind the line end of the last line that is not a heredoc's body. */
  textEnd: number;
}

/** What the file leaves unfinished at its end. */
export interface Unfinished {
  kind: 'continuation' | 'heredoc';
  line: number;
  /** The terminator that was not found, for a heredoc. */
  terminator?: string;
}

export interface ParsedDockerfile {
  /** The file as latin1, one character a byte. */
  text: string;
  head: Head;
  /** The byte that continues a line: backslash or backtick. */
  escape: number;
  instructions: Instruction[];
  /** Number of physical lines, a last one without a line end included. */
  lines: number;
  unfinished: Unfinished | undefined;
}

/** A logical line: its continuations joined, blanks around it and comments within it left out. */
export interface LogicalLine {
  /** As latin1, one character a byte. */
  text: string;
  /** Where each joined piece of the text comes from, in order. */
  pieces: { at: number; offset: number; line: number }[];
}

const LESS = '<';
const CAN_OPEN_HEREDOC = new Set(['RUN', 'COPY', 'ADD', 'ONBUILD']);
// The usual spellings, so that not every instruction keeps a string of its own.
const KNOWN = new Map(
  'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK INCLUDE LABEL ONBUILD RUN SHELL USER VOLUME WORKDIR'
    .split(' ')
    .flatMap((keyword): [string, string][] => [
      [keyword, keyword],
      [keyword.toLowerCase(), keyword],
    ]),
);
const FIRST_WORD = /^[^\t\v\f\r ]*/;
const FLAG = /^[\t-\r ]*--(?:[^\t-\r "'\\]|\\.?|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)*/s;

/** The instructions of a file; comments and blank lines between them belong to none. */
export function splitInstructions(bytes: Buffer): Instruction[] {
  return parseDockerfile(bytes).instructions;
}

/**
 * Reads the whole file in one pass; `inheritedEscape` holds where the file has no `# escape=` of its own
 * (the rules of Parse in frontend/dockerfile/parser of moby/buildkit).
 */
export function parseDockerfile(bytes: Buffer, inheritedEscape = BACKSLASH): ParsedDockerfile {
  const file = bytes.toString('latin1');
  const head = readHead(file);
  const token = head.escape ?? inheritedEscape;
  const cursor = cursorAt(file, head.end, head.lines);
  const instructions: Instruction[] = [];
  let unfinished: Unfinished | undefined;
  let less = indexFrom(file, LESS, head.end);
  while (advance(cursor)) {
    const from = skipBlanks(file, cursor.start, cursor.end);
    if (from === cursor.end || file.charCodeAt(from) === HASH) continue;
    const { start, end: firstEnd, line: startLine } = cursor;
    unfinished = skipContinuations(cursor, from, token);
    const textEnd = cursor.next;
    const keyword =
      readKeyword(file, from, firstEnd, token) ?? joinedKeyword(file, from, textEnd, token);
    if (less < from) less = indexFrom(file, LESS, from);
    if (less < textEnd && CAN_OPEN_HEREDOC.has(keyword)) {
      const { text } = joinLines(file, { start: from, textEnd, startLine }, token);
      unfinished = skipHeredocs(cursor, openedHeredocs(keyword, text)) ?? unfinished;
    }
    const { line: endLine, next: end } = cursor;
    instructions.push({ keyword, startLine, endLine, start, end, textEnd });
  }
  return { text: file, head, escape: token, instructions, lines: cursor.line, unfinished };
}

/** Joins the physical lines of an instruction, as Docker reads them. */
export function joinLines(
  file: string,
  instruction: Pick<Instruction, 'start' | 'textEnd' | 'startLine'>,
  token: number,
): LogicalLine {
  const cursor = cursorAt(file, instruction.start, instruction.startLine - 1);
  const pieces: LogicalLine['pieces'] = [];
  let text = '';
  while (cursor.next < instruction.textEnd && advance(cursor)) {
    const { start, end, line } = cursor;
    const visible = skipBlanks(file, start, end);
    const isFirst = line === instruction.startLine;
    if (!isFirst && (visible === end || file.charCodeAt(visible) === HASH)) continue;
    // Below an escape that stands alone, the line begins with the next one.
    const offset = text === '' ? visible : start;
    const continued = isContinued(file, offset, end, token);
    pieces.push({ at: text.length, offset, line });
    text += file.slice(offset, continued ? escapePosition(file, offset, end) : end);
  }
  return { text: text.slice(0, endWithoutBlanks(text)), pieces };
}

/** An instruction in one line as Docker reads it, in UTF-8. */
export function instructionText(
  { text, escape: token }: ParsedDockerfile,
  instruction: Instruction,
): string {
  return toUtf8(joinLines(text, instruction, token).text);
}

/** Moves over the lines that continue the current one; says so where the last of them asks for one more. */
function skipContinuations(
  cursor: LineCursor,
  from: number,
  token: number,
): Unfinished | undefined {
  const { text: file } = cursor;
  let open = isContinued(file, from, cursor.end, token);
  let { line } = cursor;
  while (open && advance(cursor)) {
    const visible = skipBlanks(file, cursor.start, cursor.end);
    if (visible === cursor.end || file.charCodeAt(visible) === HASH) continue;
    open = isContinued(file, cursor.start, cursor.end, token);
    line = cursor.line;
  }
  return open ? { kind: 'continuation', line } : undefined;
}

/** Moves over the bodies of heredocs, one after the other; tells the first that does not end. */
function skipHeredocs(cursor: LineCursor, heredocs: Heredoc[]): Unfinished | undefined {
  const { line } = cursor;
  for (const { terminator, chomp } of heredocs) {
    const wanted = Buffer.from(terminator).toString('latin1');
    let found = false;
    while (!found && advance(cursor)) found = isTerminator(cursor, wanted, chomp);
    if (!found) return { kind: 'heredoc', line, terminator };
  }
  return undefined;
}

function isTerminator(
  { text: file, start, end }: LineCursor,
  wanted: string,
  chomp: boolean,
): boolean {
  let from = start;
  while (chomp && from < end && file.charCodeAt(from) === TAB) from++;
  return end - from === wanted.length && file.startsWith(wanted, from);
}

/** Heredocs open on RUN, COPY and ADD, also behind one ONBUILD, and never in the JSON form. */
function openedHeredocs(keyword: string, text: string): Heredoc[] {
  if (!text.includes('<<')) return [];
  const line = toUtf8(text);
  let args = trimSpace(line.slice(keyword.length));
  if (keyword === 'ONBUILD') {
    const inner = firstWord(args);
    if (inner.toUpperCase() === 'ONBUILD' || !CAN_OPEN_HEREDOC.has(inner.toUpperCase())) return [];
    args = args.slice(inner.length);
  }
  return isJsonArray(withoutFlags(args)) ? [] : findHeredocs(line);
}

function withoutFlags(args: string): string {
  let rest = args;
  for (let flag = FLAG.exec(rest); flag; flag = FLAG.exec(rest)) rest = rest.slice(flag[0].length);
  return trimSpace(rest);
}

function isJsonArray(text: string): boolean {
  if (!text.startsWith('[')) return false;
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}

/** The first word of a line; undefined where it takes a second look: it goes on in the next line or is not ASCII. */
function readKeyword(file: string, from: number, end: number, token: number): string | undefined {
  let at = from;
  while (at < end && !isSeparator(file.charCodeAt(at))) {
    if (file.charCodeAt(at) > 0x7f) return undefined;
    at++;
  }
  if (file.charCodeAt(at - 1) === token) return undefined;
  const word = file.slice(from, at);
  return KNOWN.get(word) ?? word.toUpperCase();
}

function joinedKeyword(file: string, start: number, textEnd: number, token: number): string {
  const word = firstWord(joinLines(file, { start, textEnd, startLine: 1 }, token).text);
  // Only ASCII letters: a dotless i must not make a keyword of another word.
  return toUtf8(word).replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

function firstWord(text: string): string {
  return FIRST_WORD.exec(text)?.[0] ?? '';
}

function isSeparator(byte: number): boolean {
  return byte === 0x20 || byte === TAB || byte === 0x0b || byte === 0x0c || byte === 0x0d;
}

/** Offset of the next such character, or the file's length. */
function indexFrom(file: string, wanted: string, from: number): number {
  const at = file.indexOf(wanted, from);
  return at === -1 ? file.length : at;
}
