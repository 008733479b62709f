/** Runs the git binary on bare repositories: never with the user's own settings, never without a limit. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { askHelper } from './git-helper.ts';

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
  const stopping = new AbortController();
  // Each git that runs listens.
  setMaxListeners(0, stopping.signal);
  const base = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: options.home,
    LC_ALL: 'C.UTF-8',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_TERMINAL_PROMPT: '0',
  };
  const bytes: Git['bytes'] = async (args, input = '') => {
    ensureRunning(stopping.signal);
    const given = { cwd: options.home, env: base, maxBuffer: MAX_OUTPUT, timeout: TIMEOUT_MS };
    const answer = await askHelper({ args, input, options: given }, stopping.signal);
    if (answer.exitCode === 0) return Buffer.from(answer.stdout);
    throw new GitError(args, answer.exitCode, answer.said);
  };
  return {
    spawn(args, env = {}) {
      ensureRunning(stopping.signal);
      const child = spawn('git', args, { cwd: options.home, env: { ...base, ...env } });
      running.add(child);
      child.once('close', () => running.delete(child));
      return child;
    },
    bytes,
    text: async (args, input) => (await bytes(args, input)).toString('utf8').replace(/\n$/, ''),
    stop: () => {
      stopping.abort();
      for (const child of running) child.kill('SIGKILL');
    },
  };
}

function ensureRunning(stopping: AbortSignal): void {
  if (stopping.aborted) throw new Error('the stand-in has stopped');
}
