/** The gate to the files of an instance: nothing but regular files, and nothing outside its sandbox. */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink, realpath } from 'node:fs/promises';
import { bytesOf } from './names.ts';

/** Where the log files of an instance lie. */
export interface LogFolder {
  sandbox: string;
  /** Folders in the sandbox whose files are log files. */
  folders: string[];
}

const slash = Buffer.from('/');
const longestPath = 4_096;

/** True for `stdout`, `stderr`, what a rotation makes of them (`stdout.1`), and what lies in the folders. */
export function isLogPath(path: string, folders: readonly string[]): boolean {
  if (path === '' || path.length > longestPath || path.includes('\0')) return false;
  if (path.split('/').some((part) => part === '' || part === '.' || part === '..')) return false;
  return isOutput(path) || folders.some((folder) => path.startsWith(`${folder}/`));
}

/** True for the files that hold what an instance printed. */
export function isOutput(name: string): boolean {
  return /^(stdout|stderr)(\.\d{1,3})?$/.test(name);
}

/** The paths that a text may mean, the likeliest first; none for one that the gate refuses. */
export function pathsOf({ sandbox, folders }: LogFolder, path: string): Buffer[] {
  if (!isLogPath(path, folders)) return [];
  const names = [Buffer.from(path), bytesOf(path)].filter((name) => name !== undefined);
  return names
    .filter((name) => isLogPath(name.toString('latin1'), folders.map(latin)))
    .map((name) => Buffer.concat([Buffer.from(sandbox), slash, name]));
}

/**
 * Opens a regular file for reading; undefined when there is none at any of the paths that lies in
 * the sandbox. The container can swap folders for links at any time, so where the file really is
 * gets asked of what is open: the kernel's own name of it.
 */
export async function openInside(
  sandbox: string,
  paths: readonly Buffer[],
): Promise<FileHandle | undefined> {
  const root = await realpath(sandbox).catch(() => undefined);
  if (root === undefined) return undefined;
  for (const path of paths) {
    const handle = await openRegular(root, path).catch(ifMissing);
    if (handle) return handle;
  }
  return undefined;
}

async function openRegular(root: string, path: Buffer): Promise<FileHandle | undefined> {
  const real = await realpath(path, { encoding: 'buffer' });
  // Opening a pipe or a device can have effects, so what it is gets looked at before.
  if (!isBelow(root, real) || !(await lstat(real)).isFile()) return undefined;
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(real, flags);
  try {
    const place = await readlink(`/proc/self/fd/${handle.fd}`, { encoding: 'buffer' });
    if (isBelow(root, place) && (await handle.stat()).isFile()) return handle;
  } catch {
    // It is closed below, as one that lies elsewhere.
  }
  await handle.close();
  return undefined;
}

function isBelow(root: string, path: Buffer): boolean {
  const start = Buffer.from(`${root}/`);
  return path.length > start.length && path.subarray(0, start.length).equals(start);
}

function latin(text: string): string {
  return Buffer.from(text).toString('latin1');
}

const notThere = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENXIO', 'ENAMETOOLONG', 'EISDIR'];

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (!notThere.includes(error.code ?? '')) throw error;
}
