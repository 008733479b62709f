/** `ekiden expand FILE`: the expansion of a Dockerfile in a working tree. */

import { constants } from 'node:fs';
import { access, open, readdir, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { InputError } from '../../core/errors.ts';
import { type ExpandOptions, type Expansion, expandDockerfile } from './expand.ts';
import { codeOf, unlessMissing } from './missing.ts';

export interface ExpandFileOptions
  extends Pick<ExpandOptions, 'templates' | 'openProject' | 'limits' | 'otherFrontends'> {
  file: string;
  /** Folder that stands for the repository; default: the git top level of the file, else its folder. */
  root?: string;
  /** Build args, and variables such as EKIDEN_SHA. */
  args?: Record<string, string>;
  variables?: Record<string, string>;
}

// Far above any Dockerfile; keeps a wrong path from filling the memory.
const MAX_BYTES = 16 * 1024 * 1024;

/** Expands a file as a build would, from the files as they are now. Throws what expandDockerfile throws. */
export async function expandFile(options: ExpandFileOptions): Promise<Expansion> {
  const { file, root: given, args = {}, variables = {}, ...sources } = options;
  const root = given === undefined ? await findRoot(dirname(resolve(file))) : resolve(given);
  const path = await pathIn(root, resolve(file));
  if (path === undefined) {
    throw new InputError(`${file} does not lie in ${root}`, {
      code: 'E_ESCAPES_REPO',
      hint: 'Give the folder that holds it with --root.',
    });
  }
  const dockerfile = path.split(sep).join('/');
  return expandDockerfile({
    ...sources,
    file: dockerfile,
    read: async (name) => {
      const bytes = await readInside(root, name);
      if (bytes === undefined && name === dockerfile) throw noFile(file);
      return bytes;
    },
    list: (folder) => listInside(root, folder),
    ...{ args, variables },
  });
}

function noFile(file: string): InputError {
  return new InputError(`there is no file ${file}`, {
    code: 'E_NOT_FOUND',
    hint: 'Name the Dockerfile that is to be expanded, such as services/web/Dockerfile.',
  });
}

/** The path below the root, also where only one of the two is named by way of a link; undefined outside of it. */
async function pathIn(root: string, file: string): Promise<string | undefined> {
  const folder = await withoutLinks(dirname(file));
  return below(root, file) ?? below(await withoutLinks(root), join(folder, basename(file)));
}

function below(root: string, file: string): string | undefined {
  const path = relative(root, file);
  return path === '..' || path.startsWith(`..${sep}`) ? undefined : path;
}

async function withoutLinks(path: string): Promise<string> {
  return (await unlessMissing(realpath(path))) ?? path;
}

/** The git top level above a folder, or above the folder to which that name leads, else the folder itself. */
export async function findRoot(start: string): Promise<string> {
  return (await gitTopOf(start)) ?? (await gitTopOf(await withoutLinks(start))) ?? start;
}

async function gitTopOf(start: string): Promise<string | undefined> {
  for (let folder = start; ; folder = dirname(folder)) {
    if (await exists(join(folder, '.git'))) return folder;
    if (folder === dirname(folder)) return undefined;
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
  const path = await unlessMissing(realpath(join(root, name))).catch((error: unknown) => {
    throw codeOf(error) === 'ELOOP' ? badLink(name, 'leads on through too many links') : error;
  });
  if (path === undefined) return undefined;
  if (below(await realpath(root), path) === undefined) {
    throw badLink(name, 'is a link that leads out of the repository');
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

function badLink(path: string, what: string): InputError {
  return new InputError(`${path} ${what}`, { code: 'E_SYMLINK', hint: 'Commit the file itself.' });
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
