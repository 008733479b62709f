/** Asks git about a working tree. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Milliseconds; git answers these from a few files. */
const patience = 5_000;

/** The output of git in `folder`, without the last line end; undefined where it has no answer, or is missing. */
async function ask(folder: string, ...args: string[]): Promise<string | undefined> {
  try {
    const { stdout } = await run('git', ['-C', folder, ...args], { timeout: patience });
    return stdout.trim() || undefined;
  } catch {
    return undefined;
  }
}

/** The variables of a build (EKIDEN_SHA and so on) as a push of HEAD would set them, as far as git knows them. */
export async function readGitVariables(folder: string): Promise<Record<string, string>> {
  const [sha, branch, tag, remote] = await Promise.all([
    ask(folder, 'rev-parse', '--verify', '--quiet', 'HEAD'),
    ask(folder, 'symbolic-ref', '--short', '--quiet', 'HEAD'),
    ask(folder, 'describe', '--tags', '--exact-match', 'HEAD'),
    ask(folder, 'config', '--get', 'remote.origin.url'),
  ]);
  const ref = branch ?? tag;
  const isTag = branch === undefined && tag !== undefined;
  const known = {
    EKIDEN_REF: ref,
    EKIDEN_TAG: isTag ? tag : undefined,
    EKIDEN_SHA: sha,
    EKIDEN_PROJECT: projectOf(remote),
    EKIDEN_EVENT: sha && (isTag ? 'tag' : 'push'),
  };
  return Object.fromEntries(
    Object.entries(known).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** The path of the project: `group/name` of `git@host:group/name.git` and `https://host/group/name.git`. */
export function projectOf(remote: string | undefined): string | undefined {
  const path = /^(?:[a-z+]+:\/\/[^/]+\/|[^/]+:)\/*(.+?)(?:\.git)?\/*$/i.exec(remote ?? '')?.[1];
  return path?.includes('/') ? path : undefined;
}
