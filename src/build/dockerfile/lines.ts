/** The physical lines of a Dockerfile as BuildKit's scanner sees them. A file is a latin1 string here: one character a byte. */

const LF = 0x0a;
const CR = 0x0d;
export const TAB = 0x09;
const SPACE = 0x20;
export const HASH = 0x23;

/** A place between two lines: `advance` moves it over the next one and describes that line. */
export interface LineCursor {
  readonly text: string;
  /** Offset of the line after the current one. */
  next: number;
  /** Number of the current line, from 1; 0 before the first. */
  line: number;
  /** Offset of the current line's first byte. */
  start: number;
  /** Offset behind the current line's last byte that is neither CR nor LF. */
  end: number;
}

/** A cursor before the line at `offset`, of which `line` lines lie above. */
export function cursorAt(text: string, offset = 0, line = 0): LineCursor {
  return { text, next: offset, line, start: offset, end: offset };
}

/** Moves to the next line; false at the end of the file. */
export function advance(cursor: LineCursor): boolean {
  const { text, next } = cursor;
  if (next >= text.length) return false;
  const lineFeed = text.indexOf('\n', next);
  const after = lineFeed === -1 ? text.length : lineFeed + 1;
  let end = after;
  while (end > next && (text.charCodeAt(end - 1) === LF || text.charCodeAt(end - 1) === CR)) end--;
  cursor.start = next;
  cursor.end = end;
  cursor.next = after;
  cursor.line++;
  return true;
}

/** Length of the UTF-8 byte order mark at the top of a file: 3 or 0. */
export function byteOrderMarkLength(text: string): number {
  return text.charCodeAt(0) === 0xef && text.charCodeAt(1) === 0xbb && text.charCodeAt(2) === 0xbf
    ? 3
    : 0;
}

/** Offset of the first byte of [from, end) that does not belong to a Unicode blank (Go's unicode.IsSpace). */
export function skipBlanks(text: string, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const width = blankWidth(text, at);
    if (width === 0 || at + width > end) break;
    at += width;
  }
  return at;
}

/** Offset behind the last byte of `text` that does not belong to a Unicode blank. */
export function endWithoutBlanks(text: string): number {
  let end = text.length;
  for (let width = 1; width <= 3; width++) {
    if (blankWidth(text, end - width) !== width) continue;
    end -= width;
    width = 0;
  }
  return end;
}

/** Whether the line [from, end) goes on in the next one: an escape at its end that no other escape precedes. */
export function isContinued(text: string, from: number, end: number, token: number): boolean {
  const at = escapePosition(text, from, end);
  return (
    at >= from &&
    text.charCodeAt(at) === token &&
    (at === from || text.charCodeAt(at - 1) !== token)
  );
}

/** Offset of the last byte of [from, end) that is neither space nor tab: where a continuation has its escape. */
export function escapePosition(text: string, from: number, end: number): number {
  let at = end - 1;
  while (at >= from && (text.charCodeAt(at) === SPACE || text.charCodeAt(at) === TAB)) at--;
  return at;
}

function blankWidth(text: string, at: number): number {
  const byte = text.charCodeAt(at);
  if (byte === SPACE || (byte >= TAB && byte <= CR)) return 1;
  if (byte < 0xc2) return 0;
  return wideBlankWidth(byte, text.charCodeAt(at + 1), text.charCodeAt(at + 2));
}

/** U+0085, U+00A0, U+1680, U+2000–200A, U+2028, U+2029, U+202F, U+205F and U+3000 in UTF-8. */
function wideBlankWidth(first: number, second: number, third: number): number {
  if (first === 0xc2) return second === 0x85 || second === 0xa0 ? 2 : 0;
  if (first === 0xe1) return second === 0x9a && third === 0x80 ? 3 : 0;
  if (first === 0xe3) return second === 0x80 && third === 0x80 ? 3 : 0;
  if (first !== 0xe2) return 0;
  if (second === 0x81) return third === 0x9f ? 3 : 0;
  if (second !== 0x80) return 0;
  const isBlank =
    (third >= 0x80 && third <= 0x8a) || third === 0xa8 || third === 0xa9 || third === 0xaf;
  return isBlank ? 3 : 0;
}
