/** Runs one program to its end, keeping the last lines of what it printed. */
import { spawn } from 'node:child_process';

/** Enough to show why a program failed, and a bound for programs that print without end. */
const keptLines = 30;

/** Programs of the system that a plain user's PATH often lacks, such as nginx, are found here. */
const systemFolders = [
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
  '/usr/local/bin',
  '/usr/bin',
  '/bin',
];

/** PATH with the system's own folders at its end. */
export const searchPath = [
  ...new Set([...(process.env.PATH ?? '').split(':').filter(Boolean), ...systemFolders]),
].join(':');

/** A program that ended with anything but 0; `tail` holds its last lines. */
export class CommandError extends Error {
  constructor(file, code, tail) {
    super(`${file} ended with ${code}${tail.length ? `: ${tail.slice(-3).join(' / ')}` : ''}`);
    this.code = code;
    this.tail = tail;
  }
}

/**
 * Runs `file` with `args` and gives its last output lines. The program gets a session of its own, so that Ctrl-C on the
 * terminal reaches it only through `signal`, by way of `stop(child)` (default: SIGTERM to it and all it started); then
 * its end is awaited before the signal's reason is thrown. Each of `fds` is handed down from number 3 on.
 */
export async function run(file, args, options = {}) {
  const { cwd, env, signal, onLine, fds = [], stop = stopGroup } = options;
  signal?.throwIfAborted();
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, PATH: searchPath, ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...fds],
    detached: true,
  });
  const onAbort = () => stop(child);
  signal?.addEventListener('abort', onAbort);
  const tail = [];
  for (const stream of [child.stdout, child.stderr]) collectLines(stream, tail, onLine);
  try {
    const code = await ended(child);
    signal?.throwIfAborted();
    if (code !== 0) throw new CommandError(file, code, tail);
    return tail;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

/** Resolves with the exit code, or with the name of the signal that ended the child. */
export function ended(child) {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
}

function stopGroup(child) {
  try {
    process.kill(-child.pid, 'SIGTERM');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function collectLines(stream, tail, onLine) {
  let rest = '';
  stream.setEncoding('utf8');
  const keep = (line) => {
    if (line.trim() === '') return;
    tail.push(line);
    if (tail.length > keptLines) tail.shift();
    onLine?.(line);
  };
  stream.on('data', (text) => {
    const lines = (rest + text).split(/[\r\n]+/);
    rest = lines.pop().slice(-4096);
    lines.forEach(keep);
  });
  stream.on('end', () => keep(rest));
}
