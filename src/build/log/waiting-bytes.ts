/** Bytes that wait for a slow store, up to a limit. */

/** Bytes that may wait; what comes then is left out. */
const mostWaiting = 8 * 1024 * 1024;

export type WaitingBytes = ReturnType<typeof createWaitingBytes>;

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
    /** The first bytes, at most so many. */
    take(most: number): Buffer {
      const taken: Buffer[] = [];
      let room = most;
      while (room > 0 && pieces[0] !== undefined) {
        const [first] = pieces;
        taken.push(first.subarray(0, room));
        if (first.length > room) pieces[0] = first.subarray(room);
        else pieces.shift();
        room -= Math.min(room, first.length);
      }
      size -= most - room;
      return Buffer.concat(taken);
    },
  };
}
