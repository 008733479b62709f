/** A LogFile is what an instance printed or wrote: stdout, stderr, and each file of its log folder. */
import { InputError, NotFoundError } from './errors.ts';

export interface LogFile {
  /** `stdout`, `stderr`, or the path below the sandbox, such as `logs/access.log`. */
  path: string;
  /** Bytes. */
  size: number;
  /** Milliseconds since the epoch. */
  modifiedAt: number;
}

/** Bytes `start` to `end`, both included. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface OpenLogFile {
  file: LogFile;
  /** Changes when another file takes the name, as rotation does. */
  identity: string;
  /** The wanted bytes; leaving the loop closes the file. */
  bytes: AsyncIterable<Uint8Array>;
}

/** What a follower is told, in order; bytes come as `data`. */
export type LogFrame =
  | { type: 'data'; bytes: Buffer }
  /** The bytes that follow begin here: sent first, and after each jump. */
  | { type: 'position'; identity: string; offset: number }
  /** The file went on under the same name from its start. */
  | { type: 'rotated' }
  /** The follower was too slow, and so many bytes were left out. */
  | { type: 'skipped'; bytes: number }
  /** Nothing more will come, and why. */
  | { type: 'end'; reason: string };

export interface Follow {
  /** Byte to begin at; negative: so many bytes before the end. Default 0. */
  from?: number;
  /** The file that `from` counts in; when another has the name now, that is read from its start. */
  identity?: string;
  signal: AbortSignal;
}

/** The log files of instances, wherever these are or were. */
export interface LogFiles {
  /** In alphabetical order; undefined when no node knows the instance. */
  list(instance: string): Promise<LogFile[] | undefined>;
  /** Undefined when there is no such file; rejects with InputError (416), as bytesIn does. */
  open(
    instance: string,
    path: string,
    range?: Partial<ByteRange>,
  ): Promise<OpenLogFile | undefined>;
  /** One frame after the other; the next is read when the last was taken, so a slow reader costs nothing. */
  follow(instance: string, path: string, follow: Follow): AsyncIterable<LogFrame>;
}

/** For what is asked about an instance that no node knows, or not any more. */
export function noInstance(id: string): NotFoundError {
  return new NotFoundError(`No node knows the instance ${id}.`, {
    code: 'E_NO_INSTANCE',
    hint: 'The service lists its instances; log files of ended ones are kept for a while.',
  });
}

/**
 * The bytes that a range means in a file of `size`, up to and without `stop`. Without an end it
 * goes to the end of the file; a negative start counts from there.
 * @throws InputError (416) when it means none, but for the whole of an empty file.
 */
export function bytesIn(
  size: number,
  range: Partial<ByteRange> = {},
): { start: number; stop: number } {
  const { start = 0, end = size - 1 } = range;
  if (range.start === undefined && range.end === undefined) return { start, stop: size };
  const first = start < 0 ? Math.max(0, size + start) : start;
  if (first < size && end >= first) return { start: first, stop: Math.min(end + 1, size) };
  throw beyondFile(size);
}

/** For a range that means no byte of a file of `size`. */
export function beyondFile(size: number): InputError {
  return new InputError(`The file has ${size} bytes, and the range lies beyond them.`, {
    code: 'E_RANGE',
    status: 416,
    hint: size === 0 ? 'It is empty yet.' : `Ask for bytes=0-${size - 1}, or less.`,
  });
}
