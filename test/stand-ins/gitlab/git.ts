/** Runs the git binary on bare repositories: never with the user's own settings, never without a limit. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

/** Largest output kept in memory; archives and packs are streamed instead. */
const MAX_OUTPUT = 32 * 1024 * 1024;
const TIMEOUT_MS = 60_000;

/** A git command ended with another exit code than 0. */
export class GitError extends Error {
  readonly exitCode: number | null;

  constructor(args: string[], exitCode: number | null, stderr: string) {
    super(`git ${args[0]} failed: ${stderr.trim() || `exit code ${exitCode}`}`);
    this.name = 'GitError';
    this.exitCode = exitCode;
  }
}

export interface Git {
  /** Starts git and leaves its streams to the caller; stopped with the stand-in. */
  spawn(args: string[], env?: Record<string, string>): ChildProcessWithoutNullStreams;
  /** Runs git to its end and answers what it wrote; throws GitError. */
  bytes(args: string[], input?: string | Buffer): Promise<Buffer>;
  /** As `bytes`, decoded and without the last line break. */
  text(args: string[], input?: string | Buffer): Promise<string>;
  /** Ends every git process that is still running. */
  stop(): void;
}

/** Creates the runner; `home` is a folder of the stand-in's own, so that no ~/.gitconfig is read. */
export function createGit(options: { home: string }): Git {
  const running = new Set<ChildProcessWithoutNullStreams>();
  const base = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: options.home,
    LC_ALL: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
  };
  let stopped = false;
  const start: Git['spawn'] = (args, env = {}) => {
    if (stopped) throw new Error('the stand-in has stopped');
    const child = spawn('git', args, { cwd: options.home, env: { ...base, ...env } });
    running.add(child);
    child.once('close', () => running.delete(child));
    return child;
  };
  const bytes: Git['bytes'] = async (args, input) => await collect(start(args), args, input);
  return {
    spawn: start,
    bytes,
    text: async (args, input) => (await bytes(args, input)).toString('utf8').replace(/\n$/, ''),
    stop: () => {
      stopped = true;
      for (const child of running) child.kill('SIGKILL');
    },
  };
}

function collect(
  child: ChildProcessWithoutNullStreams,
  args: string[],
  input: string | Buffer | undefined,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let stderr = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_OUTPUT) child.kill('SIGKILL');
      else chunks.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < 4096) stderr += chunk.toString('utf8');
    });
    // git may end before it has read everything; its exit code tells more than EPIPE.
    child.stdin.on('error', () => undefined);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(Buffer.concat(chunks));
      else reject(new GitError(args, code, stderr));
    });
    child.stdin.end(input ?? '');
  });
}
