/** `ekiden expand FILE`: the expansion of a Dockerfile in a working tree. */

import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { InputError } from '../../core/errors.ts';
import { type ExpandOptions, type Expansion, expandDockerfile } from './expand.ts';
import { unlessMissing } from './missing.ts';
import { exists, openWorkingTree } from './working-tree.ts';

export interface ExpandFileOptions
  extends Pick<ExpandOptions, 'templates' | 'openProject' | 'limits' | 'otherFrontends'> {
  file: string;
  /** Folder that stands for the repository; default: the git top level of the file, else its folder. */
  root?: string;
  /** Build args, and variables such as EKIDEN_SHA. */
  args?: Record<string, string>;
  variables?: Record<string, string>;
}

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
  if (await isFolder(file)) throw noFile(file);
  const dockerfile = path.split(sep).join('/');
  const tree = openWorkingTree(root);
  return expandDockerfile({
    ...sources,
    file: dockerfile,
    read: async (name) => {
      const bytes = await tree.read(name);
      if (bytes === undefined && name === dockerfile) throw noFile(file);
      return bytes;
    },
    list: tree.list,
    args,
    variables,
  });
}

async function isFolder(file: string): Promise<boolean> {
  return (await unlessMissing(stat(file)))?.isDirectory() ?? false;
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
