/** Reads a bare repository the way GitLab's repository API shows it. */
import { type Git, GitError } from './git.ts';

export const ZERO_SHA = '0'.repeat(40);

export interface Commit {
  id: string;
  parents: string[];
  title: string;
  message: string;
  author: { name: string; email: string; date: string };
  committer: { name: string; email: string; date: string };
}

export interface Tag {
  name: string;
  /** The tag object of an annotated tag, else the commit. */
  target: string;
  commit: string;
  message: string;
  annotated: boolean;
  createdAt: string | null;
}

export interface TreeEntry {
  id: string;
  name: string;
  type: 'tree' | 'blob' | 'commit';
  path: string;
  mode: string;
}

export interface Blob {
  id: string;
  path: string;
  mode: string;
  size: number;
}

/** What is bound to a repository: a runner of git and the bare repository's folder. */
export interface Repo {
  git: Git;
  dir: string;
}

const RECORD = '%x1e';
const FIELD = '%x1f';
const FORMAT = ['%H', '%P', '%an', '%ae', '%aI', '%cn', '%ce', '%cI', '%B'].join(FIELD);

/** Runs git in the repository; undefined where git says that a thing is not there. */
export async function maybe<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof GitError && error.exitCode !== null) return undefined;
    throw error;
  }
}

export async function inRepo(repo: Repo, args: string[], input?: string): Promise<string> {
  return await repo.git.text(['-C', repo.dir, ...args], input);
}

/** The full sha of a branch, tag, sha or short sha; undefined where there is no such commit. */
export async function resolveCommit(repo: Repo, ref: string): Promise<string | undefined> {
  if (ref === '' || ref.startsWith('-') || /[\s~^:?*[\\]|@\{|\.\./.test(ref)) return undefined;
  // Asked for all at once, since each process of git takes longer than its work.
  const names = [`refs/heads/${ref}`, `refs/tags/${ref}`, ref].map((name) => `${name}^{commit}`);
  const asked = inRepo(repo, ['cat-file', '--batch-check'], `${names.join('\n')}\n`);
  return /^([0-9a-f]{40}) commit \d+$/m.exec((await maybe(asked)) ?? '')?.[1];
}

/** Commits of a range in `git log` words, newest first. */
export async function log(repo: Repo, args: string[]): Promise<Commit[]> {
  const out = await inRepo(repo, ['log', `--format=${RECORD}${FORMAT}`, ...args, '--']);
  return out
    .split('\x1e')
    .slice(1)
    .map((record) => parseCommit(record.replace(/\n$/, '')));
}

export async function readCommit(repo: Repo, sha: string): Promise<Commit> {
  const [commit] = await log(repo, ['-1', sha]);
  if (commit === undefined) throw new Error(`no commit ${sha}`);
  return commit;
}

function parseCommit(record: string): Commit {
  const [id = '', parents = '', an = '', ae = '', ad = '', cn = '', ce = '', cd = '', body = ''] =
    record.split('\x1f');
  return {
    id,
    parents: parents === '' ? [] : parents.split(' '),
    title: body.split('\n', 1)[0] ?? '',
    message: body,
    author: { name: an, email: ae, date: ad },
    committer: { name: cn, email: ce, date: cd },
  };
}

/** Paths that a commit added, modified and removed against its first parent; renames are both. */
export async function changedFiles(
  repo: Repo,
  sha: string,
): Promise<{ added: string[]; modified: string[]; removed: string[] }> {
  const args = ['diff-tree', '-r', '-z', '--root', '--no-commit-id', '--no-renames', '-m'];
  const out = await inRepo(repo, [...args, '--first-parent', '--name-status', sha]);
  const files = { added: [] as string[], modified: [] as string[], removed: [] as string[] };
  const words = out.split('\0');
  for (let i = 0; i + 1 < words.length; i += 2) {
    const path = words[i + 1] ?? '';
    if (words[i] === 'A') files.added.push(path);
    else if (words[i] === 'D') files.removed.push(path);
    else files.modified.push(path);
  }
  return files;
}

/** Branch names with their heads, sorted by name. */
export async function branches(repo: Repo): Promise<Map<string, string>> {
  const out = await inRepo(repo, [
    'for-each-ref',
    '--format=%(refname) %(objectname)',
    'refs/heads',
  ]);
  const lines = out === '' ? [] : out.split('\n');
  return new Map(
    lines.map((line) => {
      const [ref = '', sha = ''] = line.split(' ');
      return [ref.slice('refs/heads/'.length), sha];
    }),
  );
}

/** Tags, newest commit first, as GitLab lists them. */
export async function tags(repo: Repo, name?: string): Promise<Tag[]> {
  const fields = [
    '%(refname)',
    '%(objectname)',
    '%(objecttype)',
    '%(*objectname)',
    '%(creatordate:iso-strict)',
    '%(contents)',
  ];
  const out = await inRepo(repo, [
    'for-each-ref',
    '--sort=-creatordate',
    `--format=%1e${fields.join('%1f')}`,
    name === undefined ? 'refs/tags' : `refs/tags/${name}`,
  ]);
  return out.split('\x1e').slice(1).map(parseTag);
}

function parseTag(record: string): Tag {
  const [ref = '', target = '', type = '', peeled = '', date = '', contents = ''] =
    record.split('\x1f');
  const annotated = type === 'tag';
  return {
    name: ref.slice('refs/tags/'.length),
    target,
    commit: annotated ? peeled : target,
    message: annotated ? contents.replace(/\n+$/, '') : '',
    annotated,
    createdAt: annotated ? date : null,
  };
}

/** The entries below `path` at a commit; undefined where `path` is no folder there. */
export async function tree(
  repo: Repo,
  at: { sha: string; path: string; recursive: boolean },
): Promise<TreeEntry[] | undefined> {
  const folder = at.path.replace(/^\/+|\/+$/g, '');
  const flags = at.recursive ? ['-r', '-t'] : [];
  const args = ['ls-tree', '-z', ...flags, `${at.sha}:${folder}`];
  const out = await maybe(inRepo(repo, args));
  return out
    ?.split('\0')
    .filter((line) => line !== '')
    .map((line) => parseTreeEntry(line, folder));
}

function parseTreeEntry(line: string, folder: string): TreeEntry {
  const tab = line.indexOf('\t');
  const [mode = '', type = 'blob', id = ''] = line.slice(0, tab).split(' ');
  const path = [folder, line.slice(tab + 1)].filter((part) => part !== '').join('/');
  return { id, name: path.split('/').pop() ?? '', type: type as TreeEntry['type'], path, mode };
}

/** The file at `path`; a symbolic link is a blob too, whose content is the link's text. */
export async function findBlob(repo: Repo, sha: string, path: string): Promise<Blob | undefined> {
  const out = await inRepo(repo, ['--literal-pathspecs', 'ls-tree', '-l', '-z', sha, '--', path]);
  const match = /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t([^\0]*)\0?$/.exec(out);
  if (match === null || match[2] !== 'blob') return undefined;
  return { mode: match[1] ?? '', id: match[3] ?? '', size: Number(match[4]), path: match[5] ?? '' };
}

export async function readBlob(repo: Repo, id: string): Promise<Buffer> {
  return await repo.git.bytes(['-C', repo.dir, 'cat-file', 'blob', id]);
}
