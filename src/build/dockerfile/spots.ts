/** Places in a file that takes part in an expansion, for diagnostics: always in the bytes as they were written. */

import type { Spot } from './diagnostic.ts';
import type { Instruction } from './instructions.ts';
import { lastIndexOf } from './last-index.ts';
import type { Origin } from './source-map.ts';
import type { Span } from './statement.ts';

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
  const lineFeed = text.indexOf('\n', start);
  const content = text.slice(start, lineFeed === -1 ? text.length : lineFeed);
  const from = start + content.length - content.trimStart().length;
  return { file: id, text, line, from, to: start + content.trimEnd().length, via };
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
