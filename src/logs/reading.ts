/** Reads a log file, or a range of its bytes, as it is now. */
import { ConflictError, InputError } from '../core/errors.ts';
import type { ByteRange, OpenLogFile } from '../core/log-file.ts';
import { type LogFolder, openInside, pathsOf } from './gate.ts';
import { factsOf, identityOf, isSame, readAt } from './identity.ts';

const chunkBytes = 256 * 1024;

/** Undefined when there is no such file. @throws InputError (416) for a range outside it. */
export async function readFileRange(
  folder: LogFolder,
  path: string,
  range?: Partial<ByteRange>,
): Promise<OpenLogFile | undefined> {
  const paths = pathsOf(folder, path);
  const handle = await openInside(folder.sandbox, paths);
  if (!handle) return undefined;
  try {
    const facts = await factsOf(handle);
    const { size, modifiedAt } = facts;
    const wanted = wantedBytes(size, range);
    const identity = await identityOf(handle, facts);
    const file = { path, size, modifiedAt };
    return { file, identity, bytes: bytesOf({ folder, paths, identity, wanted }) };
  } finally {
    // Whoever wants the head alone never takes the bytes, so they are opened once they are taken.
    await handle.close();
  }
}

interface Wanted {
  start: number;
  /** Not included. */
  stop: number;
}

/** The bytes that a range means in a file of `size`; a negative start counts from the end. */
export function wantedBytes(size: number, range: Partial<ByteRange> | undefined): Wanted {
  if (range?.start === undefined && range?.end === undefined) return { start: 0, stop: size };
  const { start = 0, end = size - 1 } = range;
  const first = start < 0 ? Math.max(0, size + start) : start;
  if (first >= size || end < first) {
    throw new InputError(`The file has ${size} bytes, and the range lies beyond them.`, {
      code: 'E_RANGE',
      status: 416,
      hint: `Ask for bytes=0-${Math.max(0, size - 1)}, or less.`,
    });
  }
  return { start: first, stop: Math.min(end + 1, size) };
}

interface Bytes {
  folder: LogFolder;
  paths: Buffer[];
  identity: string;
  wanted: Wanted;
}

async function* bytesOf({ folder, paths, identity, wanted }: Bytes): AsyncGenerator<Uint8Array> {
  const handle = await openInside(folder.sandbox, paths);
  try {
    if (!handle || !(await isSame(handle, await factsOf(handle), identity))) throw changed();
    for (let at = wanted.start; at < wanted.stop; ) {
      const chunk = await readAt(handle, at, Math.min(chunkBytes, wanted.stop - at));
      // Fewer bytes than were announced would look like the whole.
      if (chunk.length === 0) throw changed();
      at += chunk.length;
      yield chunk;
    }
  } finally {
    await handle?.close();
  }
}

function changed(): ConflictError {
  return new ConflictError('The file was rotated or truncated while it was read.', {
    code: 'E_FILE_CHANGED',
    hint: 'Ask again.',
    retryable: true,
  });
}
