/** Makes commits inside a bare repository, without a checkout. */

import type { RefChange } from './push.ts';
import { inRepo, type Repo, resolveCommit, ZERO_SHA } from './repository.ts';

/** Text or bytes of a file, a program, a symbolic link, a submodule's commit, or null to remove it. */
export type FileContent =
  | string
  | Buffer
  | { executable: string }
  | { symlink: string }
  | { submodule: string }
  | null;

export interface NewCommit {
  branch: string;
  files: Record<string, FileContent>;
  message: string;
  /** Where a branch that is not there yet starts: a ref or sha; default is an empty history. */
  from?: string;
}

/** Writes the commit by `git fast-import` and answers how the branch moved. */
export async function writeCommit(
  repo: Repo,
  commit: NewCommit,
  author: { name: string; email: string; now: number },
): Promise<RefChange> {
  const ref = `refs/heads/${commit.branch}`;
  const head = await resolveCommit(repo, commit.branch);
  const parent =
    head ?? (commit.from === undefined ? undefined : await resolveCommit(repo, commit.from));
  const who = `${author.name} <${author.email}> ${Math.floor(author.now / 1000)} +0000`;
  const stream = Buffer.concat([
    line(`commit ${ref}`),
    line(`committer ${who}`),
    data(Buffer.from(commit.message)),
    ...(parent === undefined ? [] : [line(`from ${parent}`)]),
    ...Object.entries(commit.files).flatMap(([path, content]) => fileCommand(path, content)),
    line('done'),
  ]);
  await repo.git.bytes(['-C', repo.dir, 'fast-import', '--quiet', '--done'], stream);
  return { ref, before: head ?? ZERO_SHA, after: await inRepo(repo, ['rev-parse', ref]) };
}

function fileCommand(path: string, content: FileContent): Buffer[] {
  if (content === null) return [line(`D ${path}`)];
  if (typeof content === 'string') return fileCommand(path, Buffer.from(content));
  if (Buffer.isBuffer(content)) return [line(`M 100644 inline ${path}`), data(content)];
  if ('symlink' in content) {
    return [line(`M 120000 inline ${path}`), data(Buffer.from(content.symlink))];
  }
  if ('submodule' in content) return [line(`M 160000 ${content.submodule} ${path}`)];
  return [line(`M 100755 inline ${path}`), data(Buffer.from(content.executable))];
}

function line(text: string): Buffer {
  return Buffer.from(`${text}\n`);
}

function data(bytes: Buffer): Buffer {
  return Buffer.concat([line(`data ${bytes.length}`), bytes, line('')]);
}
