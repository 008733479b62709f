/** What a tar passes through on its way: one looks whether it is whole, the other makes large pieces of small ones. */
import { Transform } from 'node:stream';

/** A tar ends with two blocks of zeros. */
const endSize = 1024;

/** Passes a tar on, and fails where it ends before its end: between two entries nothing else would tell. */
export function wholeTar(): Transform {
  let end: Buffer = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _, done) {
      end = chunk.length >= endSize ? chunk : Buffer.concat([end, chunk]);
      end = end.subarray(-endSize);
      done(null, chunk);
    },
    flush(done) {
      const isWhole = end.length === endSize && end.every((byte) => byte === 0);
      done(isWhole ? null : new Error('it ends too early, or is no tar'));
    },
  });
}

/** Docker gets pieces of this size: each write costs a turn of both sides. */
const pieceSize = 256 * 1024;

/** Puts small chunks together. */
export function coalesce(): Transform {
  let waiting: Buffer[] = [];
  let size = 0;
  function taken(): Buffer {
    const piece = Buffer.concat(waiting, size);
    waiting = [];
    size = 0;
    return piece;
  }
  return new Transform({
    readableHighWaterMark: 2 * pieceSize,
    transform(chunk: Buffer, _, done) {
      waiting.push(chunk);
      size += chunk.length;
      if (size < pieceSize) done();
      else done(null, taken());
    },
    flush(done) {
      if (size === 0) done();
      else done(null, taken());
    },
  });
}
