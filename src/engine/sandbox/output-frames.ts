/** Takes Docker's stream of a container's output apart, message by message, each with its time. */
import { Writable } from 'node:stream';
import type { Kind } from './output-replay.ts';

/** What one message of Docker's log holds: a line, or a part of one that is very long. */
export interface Frame {
  kind: Kind;
  /** When Docker read it, in RFC 3339 with nanoseconds; empty where the stream has no times. */
  at: string;
  text: Buffer;
}

const HEADER_BYTES = 8;

/** Reads frames: eight bytes (kind, three zeros, length), then the time, a space and what was printed. */
export function framed(take: (frames: Frame[]) => Promise<void>): Writable {
  let rest: Buffer = Buffer.alloc(0);
  return writing(async (chunk) => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const frames: Frame[] = [];
    let place = 0;
    while (bytes.length - place >= HEADER_BYTES) {
      const start = place + HEADER_BYTES;
      const end = start + bytes.readUInt32BE(place + 4);
      if (end > bytes.length) break;
      frames.push(frameOf(bytes.readUInt8(place), bytes.subarray(start, end)));
      place = end;
    }
    rest = bytes.subarray(place);
    await take(frames);
  });
}

/** Takes the stream of a terminal, which has neither frames nor times. */
export function unframed(take: (frames: Frame[]) => Promise<void>): Writable {
  return writing((text) => take([{ kind: 1, at: '', text }]));
}

function frameOf(kind: number, bytes: Buffer): Frame {
  const space = bytes.indexOf(' ');
  return {
    kind: kind === 2 ? 2 : 1,
    at: bytes.toString('latin1', 0, space),
    text: bytes.subarray(space + 1),
  };
}

function writing(write: (chunk: Buffer) => Promise<void>): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      write(chunk).then(() => done(), done);
    },
  });
}
