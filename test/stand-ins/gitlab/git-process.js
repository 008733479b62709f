/** Runs git for the stand-in: a process that is small forks at once, where a test's worker has to copy its memory's map. */
import { execFile } from 'node:child_process';

const running = new Map();

process.on('message', ({ id, args, input, options }) => {
  if (args === undefined) running.get(id)?.kill('SIGKILL');
  else run({ id, args, input, options });
});

process.once('disconnect', () => {
  for (const child of running.values()) child.kill('SIGKILL');
});

function run({ id, args, input, options }) {
  const whole = { ...options, encoding: 'buffer', killSignal: 'SIGKILL' };
  const child = execFile('git', args, whole, (error, stdout, stderr) => {
    running.delete(id);
    const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
    const said = stderr.toString('utf8', 0, 4096);
    if (process.connected) process.send({ id, exitCode, stdout, said });
  });
  running.set(id, child);
  // git may end before it has read everything; its exit code tells more than EPIPE.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
}
