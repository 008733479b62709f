/** Unpacks a ZIP file; names that lead out of the folder are refused. */
import { createWriteStream } from 'node:fs';
import { mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { isWithinFolder } from './artifact.ts';
import { bounded } from './download.ts';
import type { PackedFile } from './unpack.ts';

const FILE_TYPE = 0o170000;
const LINK = 0o120000;

/** Rejects with the reason in words for the app's owner; `maxBytes` bounds all files together. */
export async function unzip(file: PackedFile, maxBytes: number): Promise<void> {
  // The library itself refuses names with .. and absolute ones.
  const zip = await openPromise(file.path, { lazyEntries: true, autoClose: false });
  let left = maxBytes;
  try {
    for await (const entry of zip.eachEntry()) {
      file.signal.throwIfAborted();
      left -= entry.uncompressedSize;
      if (left < 0) throw new Error('it holds more than 8 GiB');
      await unpackEntry(zip, entry, file);
    }
  } finally {
    zip.close();
  }
}

async function unpackEntry(zip: ZipFile, entry: Entry, file: PackedFile): Promise<void> {
  const path = join(file.folder, entry.fileName);
  if (entry.fileName.endsWith('/')) {
    await mkdir(path, { recursive: true });
    return;
  }
  const mode = entry.externalFileAttributes >>> 16;
  if ((mode & FILE_TYPE) === LINK) {
    throw new Error(`it holds the link ${entry.fileName}, and links in ZIP files are not made`);
  }
  await mkdir(dirname(path), { recursive: true });
  await ensureInside(file.folder, dirname(path));
  const target = createWriteStream(path, { mode: mode & 0o777 || 0o644 });
  const content = await zip.openReadStreamPromise(entry);
  await pipeline(content, bounded(entry.uncompressedSize), target, { signal: file.signal });
}

/** A link that another archive brought may lead out of the sandbox. @throws Error then */
export async function ensureInside(folder: string, path: string): Promise<void> {
  if (isWithinFolder(await realpath(path), await realpath(folder))) return;
  throw new Error('its place lies behind a link that leads out of the sandbox');
}
