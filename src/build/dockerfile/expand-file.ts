/** `ekiden expand FILE`: the expansion of a Dockerfile in a working tree. */

import { constants } from 'node:fs';
import { access, open, readdir, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { InputError } from '../../core/errors.ts';
import { type Expansion, expandDockerfile } from './expand.ts';
import { createTemplates } from './templates.ts';

export interface ExpandFileOptions {
  file: string;
  /** Folder that stands for the repository; default: the git top level of the file, else its folder. */
  root?: string;
  templatesDirectory: string;
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
  return expandDockerfile({
    file: path.split(sep).join('/'),
    read: (name) => readInside(root, name),
    list: (folder) => listInside(root, folder),
    templates: createTemplates(options.templatesDirectory),
  });
}

/** What the command prints: the expanded bytes, or with `map` one JSON object with text, encoding and lines. */
export function formatExpansion(
  { bytes, map }: Expansion,
  options: { map?: boolean } = {},
): Buffer {
  if (!options.map) return bytes;
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(bytes);
  const lines = map.map(({ file, line, count }) => ({ file, line, count }));
  const content = isText
    ? { text, encoding: 'utf-8' }
    : { text: bytes.toString('base64'), encoding: 'base64' };
  return Buffer.from(`${JSON.stringify({ ...content, lines })}\n`);
}

async function findRoot(start: string): Promise<string> {
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
