/** Asks a small process to run git, which is shared by all stand-ins of this one and ends with it. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { packageFolder } from '../../../src/paths.ts';

export interface GitRun {
  args: string[];
  input: string | Buffer;
  options: { cwd: string; env: Record<string, string>; maxBuffer: number; timeout: number };
}

export interface GitAnswer {
  /** Null where git could not be started or was killed. */
  exitCode: number | null;
  stdout: Uint8Array;
  /** What git wrote to standard error. */
  said: string;
}

/** The answer of a process that ended before it gave one. */
const lost = { exitCode: null, stdout: Buffer.of(), said: 'the process that runs git has ended' };

const waiting = new Map<number, (answer: GitAnswer) => void>();
let helper: ChildProcess | undefined;
let lastId = 0;

/** Git is killed when `stopping` fires. */
export async function askHelper(run: GitRun, stopping: AbortSignal): Promise<GitAnswer> {
  helper ??= startHelper();
  const asked = helper;
  lastId += 1;
  const id = lastId;
  const stop = () => void asked.send({ id }, () => undefined);
  stopping.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise<GitAnswer>((resolve) => {
      waiting.set(id, resolve);
      asked.send({ id, ...run }, (error) => error && resolve(lost));
    });
  } finally {
    waiting.delete(id);
    stopping.removeEventListener('abort', stop);
  }
}

function startHelper(): ChildProcess {
  const file = join(packageFolder, 'test/stand-ins/gitlab/git-process.js');
  const child = fork(file, [], {
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  child.on('message', ({ id, ...answer }: GitAnswer & { id: number }) => waiting.get(id)?.(answer));
  child.once('exit', () => {
    helper = undefined;
    for (const answer of waiting.values()) answer(lost);
  });
  // It is there only for who waits for it, and ends when this process does.
  child.unref();
  child.channel?.unref();
  return child;
}
