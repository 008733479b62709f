/** One run from its set-up to its take-down, with a program in between. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { searchPath } from './command.js';
import { prepareMachine } from './machine.js';
import { identify } from './processes.js';
import { createProgress } from './progress.js';
import { writeRecord } from './records.js';
import { watchSignals } from './signals.js';

/** How long a program may take to end after it was asked to. */
const endMs = 30_000;

/** How long the last output may take to arrive once every process of the run has ended. */
const drainMs = 1000;

/**
 * Sets up the machine for a run of `kind`, starts what `program(machine)` describes, waits for its end and takes
 * everything down. The description is `{file, args, cwd, env, onOutput, onEnd}`: `file` is node where it is not given;
 * `onOutput(chunk)` takes the standard output in place of our own; `onEnd()` is called before the take-down.
 * Gives the exit code; throws a SetupError or Interrupted when the program was never started.
 */
export async function runSession({ kind, program }) {
  process.umask(0o022);
  const progress = createProgress();
  let child;
  let closed;
  const signal = watchSignals(() => child && killGroup(child));
  const machine = await prepareMachine({ kind, progress, signal });
  try {
    signal.throwIfAborted();
    const { onEnd, ...description } = program(machine);
    child = start(description, machine);
    closed = new Promise((resolve) => child.once('close', resolve));
    const code = await exitCodeOf(child, signal);
    onEnd?.();
    return code;
  } finally {
    await takeDown(machine, progress);
    if (child) await Promise.race([closed, sleep(drainMs, undefined, { ref: false })]);
  }
}

/** The child gets a session of its own, so that a Ctrl-C reaches it once: from here. */
function start({ file = process.execPath, args, cwd, env, onOutput }, machine) {
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, PATH: searchPath, DOCKER_HOST: machine.dockerHost, ...env },
    stdio: ['inherit', onOutput ? 'pipe' : 'inherit', 'inherit'],
    detached: true,
  });
  if (onOutput) child.stdout.on('data', onOutput);
  writeRecord(join(machine.data, 'run', 'session.json'), identify(child.pid));
  return child;
}

async function exitCodeOf(child, signal) {
  let timer;
  const stop = () => {
    child.kill(signal.reason.signal);
    timer = setTimeout(killGroup, endMs, child);
  };
  signal.addEventListener('abort', stop, { once: true });
  const [code, endSignal] = await once(child, 'exit');
  clearTimeout(timer);
  return code ?? 128 + constants.signals[endSignal];
}

async function takeDown(machine, progress) {
  try {
    await progress.step('clear up', machine.remove, { quiet: true });
  } catch (error) {
    progress.say(
      `! ${machine.install} could not be cleared (${error.message}): the next run tries again`,
    );
  }
}

function killGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}
