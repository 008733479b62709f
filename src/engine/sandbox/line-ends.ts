/** Gives long lines the end that Docker's log driver `local` leaves out; pure. */
import type { Frame } from './output-frames.ts';
import type { Kind } from './output-replay.ts';

/** Docker keeps a longer line in parts of so many bytes, of which the last one is shorter. */
const PART_BYTES = 16 * 1024;

const NEWLINE = 0x0a;
const newline = Buffer.of(NEWLINE);

export interface LineEnds {
  /** What the frame brings, after the end of the line before it where that is missing; frames come in their order. */
  complete(frame: Pick<Frame, 'kind' | 'text'>): Buffer;
}

/** Nothing is added to the last line of all: only what follows tells that a line has ended. */
export function createLineEnds(): LineEnds {
  const open = new Set<Kind>();
  return {
    complete({ kind, text }) {
      const isOpen = open.delete(kind);
      if (text.length < PART_BYTES && text.at(-1) !== NEWLINE) open.add(kind);
      return isOpen ? Buffer.concat([newline, text]) : text;
    },
  };
}
