/** A working copy, driven by the real git client. */
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Files } from './sample-project.ts';

const run = promisify(execFile);

export interface WorkingCopy {
  /** Commits the files; answers the sha. */
  commit(files: Files, message: string): Promise<string>;
  /** Pushes; answers when the git process started, in milliseconds since the epoch. */
  push(...refs: string[]): Promise<number>;
  git(...args: string[]): Promise<string>;
}

/** Makes an empty working copy that pushes to `remote`. */
export async function createWorkingCopy(folder: string, remote: string): Promise<WorkingCopy> {
  await mkdir(folder, { recursive: true });
  const git = async (...args: string[]) => {
    const { stdout } = await run('git', args, { cwd: folder, env: { ...process.env, ...quiet } });
    return stdout.trim();
  };
  await git('init', '--quiet', '--initial-branch=main');
  await git('config', 'user.name', 'Demo');
  await git('config', 'user.email', 'demo@example.com');
  await git('config', 'commit.gpgsign', 'false');
  await git('remote', 'add', 'origin', remote);

  return {
    git,
    async commit(files, message) {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), text);
      }
      await git('add', '--all');
      await git('commit', '--quiet', '--message', message);
      return git('rev-parse', 'HEAD');
    },
    async push(...refs) {
      const start = Date.now();
      await git('push', '--quiet', 'origin', ...(refs.length > 0 ? refs : ['main']));
      return start;
    },
  };
}

/** Nothing of the machine's own git settings may change what the demo does. */
const quiet = {
  GIT_TERMINAL_PROMPT: '0',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
};
