/** The parser directives (`# syntax=`, `# escape=`, `# check=`) at the very top of a Dockerfile. */

import {
  advance,
  byteOrderMarkLength,
  cursorAt,
  endWithoutBlanks,
  HASH,
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
}

export const BACKSLASH = 0x5c;
const BACKTICK = 0x60;
const DIRECTIVE = /^([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\f\r ]*(.+)$/s;
// BuildKit's DetectSyntax reads these as well.
const OTHER_FORM = /^(?:\/\/\s*(?:syntax|escape|check)\s*=|\s*\{)/i;

/** Reads the directives by BuildKit's rule: the first line that is none, even a blank one, ends them. */
export function readHead(text: string): Head {
  const cursor = cursorAt(text, byteOrderMarkLength(text));
  const head: Head = { directives: [], end: cursor.next, lines: 0, escape: undefined };
  while (advance(cursor)) {
    const directive = parseDirective(text, cursor.start, cursor.end);
    if (!directive) break;
    head.directives.push({ ...directive, line: cursor.line });
    head.end = cursor.next;
    head.lines = cursor.line;
    if (directive.name === 'escape') head.escape ??= escapeByte(directive.value);
  }
  return head;
}

/** Whether Docker could find a directive at the top of such a file, in any form: also below `#!`, behind `//`, as JSON. */
export function opensWithDirective(text: string): boolean {
  const top = text.slice(byteOrderMarkLength(text));
  const below = top.startsWith('#!') ? top.slice(top.indexOf('\n') + 1) : top;
  return readHead(below).directives.length > 0 || OTHER_FORM.test(below);
}

function parseDirective(
  text: string,
  start: number,
  end: number,
): { name: DirectiveName; value: string } | undefined {
  const hash = skipBlanks(text, start, end);
  if (text.charCodeAt(hash) !== HASH || hash >= end) return undefined;
  const match = DIRECTIVE.exec(text.slice(skipBlanks(text, hash + 1, end), end));
  const name = match?.[1]?.toLowerCase();
  const value = match?.[2];
  if (value === undefined || (name !== 'syntax' && name !== 'escape' && name !== 'check')) {
    return undefined;
  }
  return { name, value: value.slice(0, endWithoutBlanks(value)) };
}

function escapeByte(value: string): number | undefined {
  if (value === '\\') return BACKSLASH;
  return value === '`' ? BACKTICK : undefined;
}
