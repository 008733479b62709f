/** The files of a working tree, read as a build reads those of a commit. */

import { constants } from 'node:fs';
import { access, lstat, open, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../core/errors.ts';
import type { Tree } from './fetch.ts';
import { followLink, isSubmodule, MOST_LINKS, tooManyLinks } from './links.ts';
import { unlessMissing } from './missing.ts';

// Far above any Dockerfile; keeps a wrong path from filling the memory.
const MAX_BYTES = 16 * 1024 * 1024;
/** Holds what is in no commit. */
const GIT = '.git';

export function openWorkingTree(root: string): Required<Tree> {
  return {
    async read(path) {
      if (path === '' || path.endsWith('/')) return undefined;
      const file = await withoutLinks(root, path);
      return file === undefined ? undefined : readRegular(join(root, file), path);
    },
    async list(folder) {
      if (isOfGit(folder)) return undefined;
      const found = await unlessMissing(readdir(join(root, folder), { withFileTypes: true }));
      const entries = found?.filter(({ name }) => name !== GIT);
      return entries?.map((entry) => entry.name + (entry.isDirectory() ? '/' : ''));
    },
  };
}

export async function exists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

/** Where a path leads in the end; undefined for what no commit holds. */
async function withoutLinks(root: string, path: string): Promise<string | undefined> {
  let file = path;
  for (let links = 0; links <= MOST_LINKS; links++) {
    const link = await firstLink(root, file);
    if (link === undefined) return isOfGit(file) ? undefined : file;
    const target = await readlink(join(root, link));
    file = followLink({ link, target, rest: file.slice(link.length) });
  }
  throw tooManyLinks(path);
}

function isOfGit(path: string): boolean {
  return path.split('/').includes(GIT);
}

/** The topmost part of a path that is a link. A working tree holds the files of submodules, which a commit does not. */
async function firstLink(root: string, path: string): Promise<string | undefined> {
  const segments = path.split('/');
  for (let count = 1; count <= segments.length; count++) {
    const part = segments.slice(0, count).join('/');
    const entry = await unlessMissing(lstat(join(root, part)));
    if (entry?.isSymbolicLink()) return part;
    if (entry?.isDirectory() && (await exists(join(root, part, GIT)))) throw isSubmodule(part);
  }
  return undefined;
}

/** Undefined for folders and devices. */
async function readRegular(path: string, name: string): Promise<Buffer | undefined> {
  // Without O_NONBLOCK a named pipe would keep the command waiting for a writer.
  const handle = await unlessMissing(open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    const stat = await handle?.stat();
    if (!stat?.isFile()) return undefined;
    if (stat.size > MAX_BYTES) {
      throw new InputError(`${name} has ${stat.size} bytes`, { code: 'E_FILE_SIZE' });
    }
    return await handle?.readFile();
  } finally {
    await handle?.close();
  }
}
