/** Goes on in an output file that the engine cut: it has another file by then, with the newer half. */
import type { FileHandle } from 'node:fs/promises';
import { type Generation, tailBefore } from './generation.ts';
import { readAt } from './identity.ts';

/** How the engine begins the file that it keeps (src/engine/sandbox/capped-file.ts). */
const firstLine = /^\[the first (\d+) bytes were dropped to bound this file\]\n/;
const longestLine = 128;

/** Where the bytes go on that follow those of `before`; 0 in a file that has nothing of it. */
export async function continuationIn(
  handle: FileHandle,
  before: Generation | undefined,
): Promise<number> {
  if (!before) return 0;
  const head = (await readAt(handle, 0, longestLine)).toString('latin1');
  const [line = '', dropped] = firstLine.exec(head) ?? [];
  if (dropped === undefined) return 0;
  const offset = line.length + before.size - Number(dropped);
  if (offset < line.length) return 0;
  const isSame = (await tailBefore(handle, offset)).equals(
    await tailBefore(before.handle, before.size),
  );
  return isSame ? offset : 0;
}
