/** Bytes that wait for a slow store, up to a limit. */

import { isContinuation } from '../../core/build-log.ts';

/** Bytes that may wait; what comes then is left out. */
const mostWaiting = 8 * 1024 * 1024;

/** Bytes in the order in which they came; in place of those for which there was no room a line says so. */
export function createWaitingBytes() {
  const pieces: Buffer[] = [];
  let size = 0;
  let lost = 0;

  function push(bytes: Buffer): void {
    pieces.push(bytes);
    size += bytes.length;
  }

  function noteLoss(): void {
    if (lost > 0)
      push(Buffer.from(`\n[${lost} bytes are missing here: Redis did not take them]\n`));
    lost = 0;
  }

  return {
    get size() {
      return size;
    },
    add(bytes: Buffer): void {
      if (size > 0 && size + bytes.length > mostWaiting) {
        lost += bytes.length;
        return;
      }
      noteLoss();
      push(bytes);
    },
    end: noteLoss,
    /** The first bytes, at most so many, and whole characters: other writers may go on between two pieces. */
    take(most: number): Buffer {
      const taken: Buffer[] = [];
      let room = most;
      for (let first = pieces[0]; first !== undefined && room > 0; first = pieces[0]) {
        const end = startOfCharacter(first, Math.min(room, first.length));
        taken.push(first.subarray(0, end));
        size -= end;
        room = end < first.length ? 0 : room - end;
        if (end < first.length) pieces[0] = first.subarray(end);
        else pieces.shift();
      }
      return Buffer.concat(taken);
    },
  };
}

/** Where the character begins to which the byte at `at` belongs. */
function startOfCharacter(bytes: Buffer, at: number): number {
  let start = at;
  while (start > 0 && isContinuation(bytes[start])) start -= 1;
  return start;
}
