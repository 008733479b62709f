/** A log file with a bound: when it is full, the older half goes and a line says so. */
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/** Appends to one file; writes wait for each other. */
export interface CappedFile {
  append(chunk: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** Opens `path` for appending; it never holds more than about `maxBytes`. */
export async function openCappedFile(path: string, maxBytes: number): Promise<CappedFile> {
  let file = await open(path, 'a', 0o644);
  let size = (await file.stat()).size;
  let last: Promise<void> = Promise.resolve();

  async function write(chunk: Buffer): Promise<void> {
    if (size + chunk.length > maxBytes && size > 0) {
      await file.close();
      await keepNewestHalf(path, size);
      file = await open(path, 'a', 0o644);
      size = (await stat(path)).size;
    }
    await file.write(chunk);
    size += chunk.length;
  }

  return {
    append: (chunk) => {
      last = last.then(() => write(chunk));
      return last;
    },
    close: async () => {
      await last.catch(() => undefined);
      await file.close();
    },
  };
}

async function keepNewestHalf(path: string, size: number): Promise<void> {
  const kept = `${path}.kept`;
  const from = size - Math.floor(size / 2);
  const target = createWriteStream(kept);
  target.write(`[the first ${from} bytes were dropped to bound this file]\n`);
  await pipeline(createReadStream(path, { start: from }), target);
  await rename(kept, path);
}
