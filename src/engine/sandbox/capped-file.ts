/** A log file with a bound: when it is full, the older half goes and a line says so. */
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/** Appends to one file; writes wait for each other. */
export interface CappedFile {
  append(chunk: Buffer): Promise<void>;
  close(): Promise<void>;
}

/**
 * The task itself writes to its sandbox: a link that it put in the place of its output would have the
 * engine write, with its own rights, wherever the link leads.
 */
const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** Opens `path` for appending; it never holds more than about `maxBytes`. */
export async function openCappedFile(path: string, maxBytes: number): Promise<CappedFile> {
  let file = await openToAppend(path);
  let size = (await file.stat()).size;
  let last: Promise<void> = Promise.resolve();

  async function write(chunk: Buffer): Promise<void> {
    if (size + chunk.length > maxBytes && size > 0) {
      await file.close();
      await keepNewestHalf(path, size).catch(() => rm(path, { recursive: true, force: true }));
      file = await openToAppend(path);
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

/** What is no plain file gives way. */
async function openToAppend(path: string): Promise<FileHandle> {
  // A pipe without a reader would keep the opening waiting for ever.
  const flags = O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_WRONLY;
  const file = await open(path, flags, 0o644).catch(async () => {
    await rm(path, { recursive: true, force: true });
    return open(path, flags, 0o644);
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new Error(`${path} is no plain file`);
}

async function keepNewestHalf(path: string, size: number): Promise<void> {
  const kept = `${path}.kept`;
  await rm(kept, { recursive: true, force: true });
  const source = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  const target = await open(kept, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
  const from = size - Math.floor(size / 2);
  await target.write(`[the first ${from} bytes were dropped to bound this file]\n`);
  await pipeline(source.createReadStream({ start: from }), target.createWriteStream());
  await rename(kept, path);
}
