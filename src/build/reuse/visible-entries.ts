/** What of a commit's context a build can see, by git's ids: without its archive, from its folders' lists. */
import { posix } from 'node:path';
import type { GitLab } from '../../clients/gitlab.ts';
import { isSymlink, type TreeEntry } from '../../clients/gitlab-repository.ts';
import { foldersAbove } from '../context/folders.ts';
import { compileIgnore, type Ignores } from '../context/ignore.ts';
import type { Visible } from '../context/visible.ts';
import { Obstacle } from './obstacle.ts';

export interface EntriesOptions {
  gitlab: Pick<GitLab, 'tree' | 'file'>;
  project: number;
  sha: string;
  /** Folder of the context, `` for the repository's root. */
  context: string;
  /** Path of the Dockerfile in the repository, which stands in its expanded form elsewhere. */
  dockerfile: string;
  visible: Visible;
  /** What `listContext` answers, where it was asked beforehand. */
  listing?: Promise<TreeEntry[] | undefined>;
}

/** The entries of the context's folder; undefined where there is none. */
export function listContext({
  gitlab,
  project,
  sha,
  context,
}: Pick<EntriesOptions, 'gitlab' | 'project' | 'sha' | 'context'>) {
  return gitlab.tree(project, { sha, ...(context === '' ? {} : { path: context }) });
}

/** More folders would cost more than they save; then everything counts as visible. */
const folderLimit = 8;

/**
 * One line for each entry: mode, id, path from the context. What a commit's archive makes of them counts
 * too: attributes of git in its folder and those above.
 * @throws Obstacle where it cannot be told.
 */
export async function visibleEntries(options: EntriesOptions): Promise<string[]> {
  const { gitlab, project, sha, context } = options;
  const read = (path: string) => gitlab.file(project, path, sha);
  const [listing, above, ownIgnore] = await Promise.all([
    options.listing ?? listContext(options),
    Promise.all(foldersAbove(context).map((path) => read(posix.join(path, '.gitattributes')))),
    needsOwnIgnore(options) ? read(`${options.dockerfile}.dockerignore`) : undefined,
  ]);
  if (listing === undefined) throw new Obstacle('GitLab shows no such context');
  const own = listing.some(({ name }) => name === '.gitattributes')
    ? await read(posix.join(context, '.gitattributes'))
    : undefined;
  const attributes = [...above, own];
  if (attributes.some((bytes) => bytes?.includes('export-subst'))) {
    throw new Obstacle('.gitattributes puts the commit into files (export-subst)');
  }
  const entries =
    (await reduced(options, listing)) ?? (await everything(options, { listing, ownIgnore }));
  const texts = [...attributes, ownIgnore].map(
    (bytes, n) => bytes && `text ${n} ${bytes.toString('base64')}`,
  );
  return [...entries, ...texts.filter((text) => text !== undefined)];
}

/** That beside a Dockerfile in the context's root stands in its list. */
function needsOwnIgnore({ context, dockerfile }: EntriesOptions): boolean {
  const folder = posix.dirname(dockerfile);
  return (folder === '.' ? '' : folder) !== context;
}

function line({ mode, id, path }: TreeEntry): string {
  return `${mode} ${id} ${path}`;
}

/** Those that the Dockerfile names, and what says what is ignored; undefined where its words do not decide. */
async function reduced(
  options: EntriesOptions,
  listing: TreeEntry[],
): Promise<string[] | undefined> {
  const { visible, context, dockerfile } = options;
  if (visible.all) return undefined;
  const folders = new Map([['', Promise.resolve<TreeEntry[] | undefined>(listing)]]);
  const list = (folder: string) => {
    const known = folders.get(folder);
    if (known !== undefined) return known;
    const asked = listFolder(options, folder);
    folders.set(folder, asked);
    return asked;
  };
  const needed = new Set([...visible.paths.flatMap(foldersAbove), ...visible.wildcards]);
  if (needed.size > folderLimit) return undefined;
  const own = posix.relative(context, dockerfile);
  const lines = listing.filter(({ name }) => isIgnoreFile(name, own)).map(line);
  for (const path of visible.paths) {
    const found = await walk(path, list);
    if (found === 'link') return undefined;
    if (path !== own) lines.push(found === undefined ? `absent ${path}` : line(found));
  }
  for (const folder of visible.wildcards) {
    const entries = (await list(folder)) ?? [];
    if (entries.some(isSymlink)) return undefined;
  }
  folders.delete('');
  for (const entries of await Promise.all(folders.values())) {
    if (entries?.some(({ name }) => name === '.gitattributes')) {
      throw new Obstacle('.gitattributes of a folder may change what GitLab sends of it');
    }
  }
  return lines;
}

async function listFolder({ gitlab, project, sha, context }: EntriesOptions, folder: string) {
  return gitlab.tree(project, { sha, path: posix.join(context, folder) });
}

/** The entry of a path; `link` where Docker would be led elsewhere. */
async function walk(
  path: string,
  list: (folder: string) => Promise<TreeEntry[] | undefined>,
): Promise<TreeEntry | 'link' | undefined> {
  const names = path.split('/');
  let entry: TreeEntry | undefined;
  for (const [index, name] of names.entries()) {
    const entries = await list(names.slice(0, index).join('/'));
    entry = entries?.find((other) => other.name === name);
    if (entry && isSymlink(entry)) return 'link';
    // What a submodule holds is told by its commit, whatever lies deeper.
    if (entry === undefined || entry.type === 'commit') return entry;
  }
  return entry;
}

function isIgnoreFile(name: string, dockerfile: string): boolean {
  return name === '.dockerignore' || name === `${dockerfile}.dockerignore`;
}

interface Listed {
  listing: TreeEntry[];
  ownIgnore: Buffer | undefined;
}

/** All entries but the Dockerfile and those that are ignored as a whole. */
async function everything(
  options: EntriesOptions,
  { listing, ownIgnore }: Listed,
): Promise<string[]> {
  const { context, dockerfile } = options;
  const own = posix.relative(context, dockerfile);
  const ignoring = await ignoreText(options, { listing, ownIgnore });
  const ignores = ignoring === undefined ? undefined : compiled(ignoring);
  // Something deep in a folder may be brought back, so a folder goes only where nothing is.
  const hasExceptions = ignoring !== undefined && /^\s*!/m.test(ignoring.toString());
  return listing
    .filter(({ name, type }) => {
      if (name === own) return false;
      if (isIgnoreFile(name, own)) return true;
      return !(ignores?.(name) && (type === 'blob' || !hasExceptions));
    })
    .map(line);
}

/** As builds choose it: that of the Dockerfile goes before that of the context. */
async function ignoreText(
  { gitlab, project, sha, context, dockerfile }: EntriesOptions,
  { listing, ownIgnore }: Listed,
): Promise<Buffer | undefined> {
  if (ownIgnore !== undefined) return ownIgnore;
  const own = `${posix.relative(context, dockerfile)}.dockerignore`;
  const names = new Set(listing.map(({ name }) => name));
  const name = [own, '.dockerignore'].find((candidate) => names.has(candidate));
  return name === undefined ? undefined : gitlab.file(project, posix.join(context, name), sha);
}

/** Rules that Docker refuses leave everything in; the build then says what is wrong with them. */
function compiled(bytes: Buffer): Ignores | undefined {
  try {
    return compileIgnore({ file: '.dockerignore', bytes });
  } catch {
    return undefined;
  }
}
