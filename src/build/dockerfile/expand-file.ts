/** `ekiden expand FILE`: the expansion of a Dockerfile in a working tree. */

import { constants } from 'node:fs';
import { access, open, readdir, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { InputError } from '../../core/errors.ts';
import { type Expansion, expandDockerfile } from './expand.ts';
import type { Sources } from './fetch.ts';
import type { TemplateSource } from './templates.ts';

export interface ExpandFileOptions {
  file: string;
  /** Folder that stands for the repository; default: the git top level of the file, else its folder. */
  root?: string;
  templates: TemplateSource;
  /** Opens other projects; without it project: is refused. */
  openProject?: Sources['openProject'];
  /** Build args, and variables such as EKIDEN_SHA. */
  args?: Record<string, string>;
  variables?: Record<string, string>;
}

// Far above any Dockerfile; keeps a wrong path from filling the memory.
const MAX_BYTES = 16 * 1024 * 1024;

/** Expands a file as a build would, from the files as they are now. Throws what expandDockerfile throws. */
export async function expandFile(options: ExpandFileOptions): Promise<Expansion> {
  const file = resolve(options.file);
  const root = options.root === undefined ? await findRoot(dirname(file)) : resolve(options.root);
  const path = relative(root, file);
  if (path.startsWith('..')) {
    throw new InputError(`${options.file} does not lie in ${root}`, {
      code: 'E_ESCAPES_REPO',
      hint: 'Give the folder that holds it with --root.',
    });
  }
  const { templates, openProject, args = {}, variables = {} } = options;
  return expandDockerfile({
    file: path.split(sep).join('/'),
    read: (name) => readInside(root, name),
    list: (folder) => listInside(root, folder),
    ...(openProject ? { openProject } : {}),
    ...{ templates, args, variables },
  });
}

/** The git top level above a folder, else that folder itself. */
export async function findRoot(start: string): Promise<string> {
  for (let folder = start; ; folder = dirname(folder)) {
    if (await exists(join(folder, '.git'))) return folder;
    if (folder === dirname(folder)) return start;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

/** The bytes of a regular file; links are followed as long as they stay in the root. */
async function readInside(root: string, name: string): Promise<Buffer | undefined> {
  await refuseSubmodule(root, name);
  const path = await unlessMissing(realpath(join(root, name)));
  if (path === undefined) return undefined;
  const top = await realpath(root);
  if (path !== top && !path.startsWith(top.endsWith(sep) ? top : top + sep)) {
    throw new InputError(`${name} is a link that leads out of the repository`, {
      code: 'E_SYMLINK',
      hint: 'Commit the file itself.',
    });
  }
  // Without O_NONBLOCK a named pipe would keep the command waiting for a writer.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size } = await handle.stat().then((stat) => (stat.isFile() ? stat : { size: -1 }));
    if (size < 0) return undefined;
    if (size > MAX_BYTES) {
      throw new InputError(`${name} has ${size} bytes`, { code: 'E_FILE_SIZE' });
    }
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** A working tree holds the files of submodules, which the commit does not. */
async function refuseSubmodule(root: string, name: string): Promise<void> {
  for (let folder = dirname(name); folder !== '.'; folder = dirname(folder)) {
    if (!(await exists(join(root, folder, '.git')))) continue;
    throw new InputError(`${folder} is a submodule, whose files lie in another repository`, {
      code: 'E_SUBMODULE',
      hint: 'Include the file from there: project:GROUP/PROJECT@REF:PATH.',
    });
  }
}

async function listInside(root: string, folder: string): Promise<string[] | undefined> {
  const entries = await unlessMissing(readdir(join(root, folder), { withFileTypes: true }));
  return entries?.map((entry) => entry.name + (entry.isDirectory() ? '/' : ''));
}

async function unlessMissing<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
