/** Reads a log file, or a range of its bytes, as it is now. */
import { ConflictError } from '../core/errors.ts';
import { type ByteRange, bytesIn, type OpenLogFile } from '../core/log-file.ts';
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
    const wanted = bytesIn(size, range);
    const identity = await identityOf(handle, facts);
    const file = { path, size, modifiedAt };
    return { file, identity, bytes: contentOf({ folder, paths, identity, wanted }) };
  } finally {
    // Whoever wants the head alone never takes the bytes, so they are opened once they are taken.
    await handle.close();
  }
}

interface Bytes {
  folder: LogFolder;
  paths: Buffer[];
  identity: string;
  wanted: { start: number; stop: number };
}

async function* contentOf({ folder, paths, identity, wanted }: Bytes): AsyncGenerator<Uint8Array> {
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
