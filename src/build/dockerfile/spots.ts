/** Places that diagnostics point at: always in a file as it was written, whatever was filled in or spliced since. */

import type { SourceRun, WrittenLine } from '../../core/build.ts';
import { toUtf8 } from './bytes.ts';
import type { Spot } from './diagnostic.ts';
import type { Instruction, LogicalLine } from './instructions.ts';
import { type Origin, originOf } from './source-map.ts';

/** A stretch of bytes on one physical line. */
export interface Span {
  line: number;
  from: number;
  to: number;
}

/** A stretch of the written text in whose place a value was put. */
export interface Edit {
  /** Where it stands in the text with all values. */
  at: number;
  /** Length of the value. */
  length: number;
  /** The stretch as it was written. */
  from: number;
  to: number;
}

/** What a spot needs to know of a file. */
export interface Written {
  id: string;
  /** The file as it was read, as latin1. */
  text: string;
  /** In order; none where the file is used as it was read. */
  edits: readonly Edit[];
}

/** The first physical stretch of [from, to) of a logical line. */
export function spanOf(line: LogicalLine, { from, to }: Pick<Span, 'from' | 'to'>): Span {
  const index = lastIndexOf(line.pieces, ({ at }) => at <= from);
  const piece = line.pieces[index] ?? { at: 0, offset: 0, line: 1 };
  const end = Math.min(to, line.pieces[index + 1]?.at ?? line.text.length);
  return {
    line: piece.line,
    from: piece.offset + from - piece.at,
    to: piece.offset + end - piece.at,
  };
}

/** A stretch of a file. */
export function spotOf(file: Written, span: Span, via: readonly Origin[]): Spot {
  const from = writtenOffset(file, span.from, 'from');
  const to = writtenOffset(file, span.to, 'to');
  return { file: file.id, text: file.text, line: span.line, from, to, via };
}

/** The first line of an instruction. */
export function spotOfInstruction(
  file: Written,
  { startLine, start }: Pick<Instruction, 'startLine' | 'start'>,
  via: readonly Origin[],
): Spot {
  return spotOfLine(file, startLine, via, writtenOffset(file, start, 'from'));
}

/** A whole line, blanks around it left out. */
export function spotOfLine(
  { id, text }: Pick<Written, 'id' | 'text'>,
  line: number,
  via: readonly Origin[],
  start = offsetOfLine(text, line),
): Spot {
  const content = text.slice(start, lineEnd(text, start));
  const from = start + content.length - content.trimStart().length;
  return { file: id, text, line, from, to: start + content.trimEnd().length, via };
}

/** A stretch of the expanded Dockerfile, named by where it was written; undefined where the map does not reach. */
export function spotInOutput(
  text: string,
  map: readonly SourceRun[],
  { line, from, to }: Span,
): Spot | undefined {
  const origin = originOf(map, line);
  if (!origin) return undefined;
  const start = text.lastIndexOf('\n', from - 1) + 1;
  const end = lineEnd(text, from);
  // The line above is shown as well where it was written above.
  const above = originOf(map, line - 1);
  const isAbove = above?.file === origin.file && above.line === origin.line - 1;
  const top = isAbove ? text.lastIndexOf('\n', start - 2) + 1 : start;
  const { file, via } = origin;
  return {
    file,
    line: origin.line,
    via,
    text: text.slice(top, end),
    from: from - top,
    to: to - top,
  };
}

/** The lines that hold an edit, as they were written. */
export function writtenLines(text: string, edits: readonly Edit[]): WrittenLine[] {
  const found: WrittenLine[] = [];
  let line = 1;
  let start = 0;
  let end = lineEnd(text, start);
  for (const { from } of edits) {
    while (end < from) {
      line += 1;
      start = end + 1;
      end = lineEnd(text, start);
    }
    const isNew = found.at(-1)?.line !== line;
    if (isNew) found.push({ line, text: toUtf8(text.slice(start, end)) });
  }
  return found;
}

function lineEnd(text: string, start: number): number {
  const lineFeed = text.indexOf('\n', start);
  return lineFeed === -1 ? text.length : lineFeed;
}

/** Where an offset of the text with all values lies in the text as written; within a value, that value's edge. */
function writtenOffset({ edits }: Written, offset: number, edge: 'from' | 'to'): number {
  const index = lastIndexOf(edits, ({ at, length }) =>
    edge === 'from' || length === 0 ? at <= offset : at < offset,
  );
  const edit = edits[index];
  if (!edit) return offset;
  const beyond = offset - edit.at - edit.length;
  if (edge === 'from' ? beyond >= 0 : beyond > 0) return edit.to + beyond;
  return edit[edge];
}

function offsetOfLine(text: string, line: number): number {
  let offset = 0;
  for (let above = 1; above < line; above++) offset = text.indexOf('\n', offset) + 1;
  return offset;
}

/**
 * Index of the last item that `isBefore` holds for, as it does for all above; -1 where it holds for none. A file can
 * have a hundred thousand, for each of which a walk would take minutes in all.
 */
function lastIndexOf<T>(items: readonly T[], isBefore: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item !== undefined && isBefore(item)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
