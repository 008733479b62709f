/** The parser directives (`# syntax=`, `# escape=`, `# check=`) at the very top of a Dockerfile. */

import {
  advance,
  byteOrderMarkLength,
  cursorAt,
  endWithoutBlanks,
  type LineCursor,
  skipBlanks,
} from './lines.ts';

export type DirectiveName = 'syntax' | 'escape' | 'check';

export interface Directive {
  name: DirectiveName;
  value: string;
  line: number;
}

/** What stands above the first line that is no directive. */
export interface Head {
  directives: Directive[];
  /** Offset of the first byte below the byte order mark and the directives. */
  end: number;
  /** Number of lines the directives take. */
  lines: number;
  /** The byte that `# escape=` names, where it names a valid one. */
  escape: number | undefined;
  /** By what some Docker chooses another frontend; not always one of the directives above. */
  syntax: Directive | undefined;
}

/** What the lines at the top of a file let some Docker still read as a directive below them. */
export interface Top {
  isOpen: boolean;
  /** JSON may still follow, which is read below blank lines as well. */
  isBlank: boolean;
}

export const BACKSLASH = 0x5c;
const BACKTICK = 0x60;
const NAMED = /^([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\f\r ]*(.+)$/s;
const JSON_START = /^[\t\r ]*\{/;
const SHEBANG = '#!';
export const BELOW_DIRECTIVES: Top = { isOpen: true, isBlank: true };
export const BELOW_COMMENT: Top = { isOpen: false, isBlank: false };

/** Reads the directives by BuildKit's rule: the first line that is none, even a blank one, ends them. */
export function readHead(text: string): Head {
  const cursor = cursorAt(text, byteOrderMarkLength(text));
  const head: Head = {
    directives: [],
    end: cursor.next,
    lines: 0,
    escape: undefined,
    syntax: syntaxOf(text),
  };
  while (advance(cursor)) {
    const named = readNamed(text, cursor);
    if (named?.sign !== '#' || !isDirective(named.name)) break;
    head.directives.push({ name: named.name, value: named.value, line: cursor.line });
    head.end = cursor.next;
    head.lines = cursor.line;
    if (named.name === 'escape') head.escape ??= escapeByte(named.value);
  }
  return head;
}

/**
 * Whether some Docker would find a directive in lines that follow others at the top of a file, in any form: also below
 * `#!`, behind `//`, as JSON, and until Docker 22 below comments of the form NAME=VALUE. And what may follow in turn.
 */
export function readTop(text: string, above: Top): Top & { found: boolean } {
  let { isOpen, isBlank } = above;
  let found = false;
  const cursor = cursorAt(text);
  while ((isOpen || isBlank) && advance(cursor)) {
    const line = text.slice(cursor.start, cursor.end);
    const named = readNamed(text, cursor);
    found ||= (isOpen && isDirective(named?.name)) || (isBlank && JSON_START.test(line));
    const isShebang = line.startsWith(SHEBANG);
    isOpen &&= named !== undefined || isShebang;
    isBlank &&= line.trim() === '' || isShebang;
  }
  return { isOpen, isBlank, found };
}

function syntaxOf(text: string): Directive | undefined {
  const cursor = cursorAt(text, byteOrderMarkLength(text));
  while (advance(cursor)) {
    const named = readNamed(text, cursor);
    if (named?.name === 'syntax') return { name: 'syntax', value: named.value, line: cursor.line };
    if (!named && !text.startsWith(SHEBANG, cursor.start)) break;
  }
  return undefined;
}

/** `NAME=VALUE` behind `#` or `//`, the name in lower case. */
function readNamed(text: string, { start, end }: LineCursor) {
  const from = skipBlanks(text, start, end);
  const sign = ['#', '//'].find((each) => text.startsWith(each, from));
  if (sign === undefined || from + sign.length > end) return undefined;
  const match = NAMED.exec(text.slice(skipBlanks(text, from + sign.length, end), end));
  const [, name, value] = match ?? [];
  if (name === undefined || value === undefined) return undefined;
  return { sign, name: name.toLowerCase(), value: value.slice(0, endWithoutBlanks(value)) };
}

function isDirective(name: string | undefined): name is DirectiveName {
  return name === 'syntax' || name === 'escape' || name === 'check';
}

function escapeByte(value: string): number | undefined {
  if (value === '\\') return BACKSLASH;
  return value === '`' ? BACKTICK : undefined;
}
