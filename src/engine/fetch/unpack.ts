/** Unpacks a fetched archive into the sandbox; nothing in it can reach out of that folder. */
import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { addAbortSignal, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar';
import type { Packing } from './artifact.ts';
import { bounded } from './download.ts';
import { unzip } from './unzip.ts';

export interface PackedFile {
  path: string;
  /** The sandbox, where what is in the archive goes. */
  folder: string;
  signal: AbortSignal;
}

/** Bounds what a small archive may become. */
const MAX_BYTES = 8 * 1024 ** 3;

/** Rejects with the reason in words for the app's owner. */
export async function unpack(packing: Packing, file: PackedFile): Promise<void> {
  const { path, signal } = file;
  if (packing.kind === 'zip') await unzip(file, MAX_BYTES);
  else if (packing.kind === 'tar') await untar(openArchive(path, packing.by, signal), file);
  else {
    const target = createWriteStream(path.slice(0, -'.gz'.length), { mode: 0o644 });
    const sized = bounded(MAX_BYTES);
    await pipeline(createReadStream(path), createGunzip(), sized, target, { signal });
  }
}

/** gzip is read as it comes; the rarer forms by their own programs, as Mesos does. */
function openArchive(path: string, by: 'bzip2' | 'xz' | undefined, signal: AbortSignal): Readable {
  if (by === undefined) return createReadStream(path);
  const child = spawn(by, ['-dc', path], { stdio: ['ignore', 'pipe', 'ignore'], signal });
  const { stdout } = child;
  child.once('error', (error: NodeJS.ErrnoException) => {
    const missing = error.code === 'ENOENT';
    stdout.destroy(missing ? new Error(`${by} is not installed where the engine runs`) : error);
  });
  child.once('exit', (code) => {
    if (code) stdout.destroy(new Error(`it is no file of ${by}`));
  });
  return stdout;
}

/** Owners are not kept: the numbers of another machine mean nobody here. */
function untar(archive: Readable, { folder, signal }: PackedFile): Promise<void> {
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const target = extract({
      cwd: folder,
      preserveOwner: false,
      onReadEntry: ({ size }) => {
        bytes += size;
        if (bytes > MAX_BYTES) target.abort(new Error('it holds more than 8 GiB'));
      },
    });
    const fail = (error: unknown) => {
      archive.destroy();
      reject(signal.aborted ? signal.reason : error);
    };
    target.on('error', fail).on('close', () => resolve());
    addAbortSignal(signal, archive).on('error', fail).pipe(target);
  });
}
