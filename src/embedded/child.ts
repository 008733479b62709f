/** Keeps a child process of Ekiden running: started, watched, brought back, ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readRecord, writeRecord } from '../clients/process-records.ts';
import { endGroup, identityOf, isAlive, signal } from '../clients/processes.ts';
import { messageOf, SetupError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { boundLog, endOfLog } from './child-log.ts';

export interface ChildOptions {
  /** Names its record in `<data>/run` and its output in `<data>/log`. */
  name: string;
  command: string;
  args: string[];
  /** The whole environment of the child: it inherits none, so that no secret gets there. */
  env: Record<string, string | undefined>;
  data: string;
  /** True once the child serves, and not another on its address; asked again and again. */
  isReady: () => Promise<boolean>;
  /** What to do when it does not come up, such as the package to install. */
  hint: string;
  log: Log;
  /** Gives the first start up: what was started of it is ended, and its reason is thrown. */
  abandon?: AbortSignal | undefined;
}

export interface Child {
  /** Ends the child for good: SIGTERM, then SIGKILL after five seconds. */
  stop(): Promise<void>;
}

/** A Redis that has much to read is not ready before it has read all of it. */
const readyPatience = 60_000;
const lookEvery = 20;
const shownOutput = 600;
const boundLogEvery = 10_000;
const restartPauses = [100, 500, 1_000, 2_000, 5_000];
/** A child that ran for so long has recovered, so that its next restart is quick again. */
const steadyAfter = 30_000;

/** Resolves once the child is ready. @throws SetupError with the end of what it printed. */
export async function keepChild(options: ChildOptions): Promise<Child> {
  const { name, log, abandon } = options;
  await endRecorded(options);
  const stopping = new AbortController();
  const watching = watch(await start(options, abandon), options, stopping.signal);
  const bounding = setInterval(() => {
    boundLog(logOf(options)).catch((error) =>
      log.warn({ name, error: messageOf(error) }, 'the log of a part cannot be bounded'),
    );
  }, boundLogEvery);
  return {
    async stop() {
      clearInterval(bounding);
      stopping.abort();
      await watching;
      await rm(recordOf(options), { force: true });
    },
  };
}

/** Brings the child back until it is to stop; ends it then, so that nobody else needs to know it. */
async function watch(first: ChildProcess, options: ChildOptions, stop: AbortSignal): Promise<void> {
  const { name, log } = options;
  let failures = 0;
  for (let child: ChildProcess | undefined = first; !stop.aborted; ) {
    if (child) {
      const since = Date.now();
      await untilExit(child, stop);
      if (stop.aborted) return end(child);
      const { exitCode: exit, signalCode } = child;
      log.warn({ name, exit, signal: signalCode }, 'a part ended: it is started again');
      if (Date.now() - since >= steadyAfter) failures = 0;
    }
    const pause = restartPauses[Math.min(failures++, restartPauses.length - 1)];
    await delay(pause, undefined, { signal: stop }).catch(() => undefined);
    child = await start(options, stop).catch((error: unknown) => {
      if (!stop.aborted) log.error({ name, error: messageOf(error) }, 'a part does not come back');
      return undefined;
    });
    if (child && stop.aborted) return end(child);
  }
}

/** Resolves when the child serves; otherwise nothing of it is left. */
async function start(options: ChildOptions, stop?: AbortSignal): Promise<ChildProcess> {
  stop?.throwIfAborted();
  const { name, data, hint } = options;
  const file = logOf(options);
  await mkdir(join(data, 'log'), { recursive: true });
  await mkdir(join(data, 'run'), { recursive: true });
  const from = await boundLog(file);
  let child: ChildProcess | undefined;
  try {
    child = await spawnLogged(options, file);
    await bringUp(options, child, stop);
    return child;
  } catch (error) {
    if (child) await end(child);
    await rm(recordOf(options), { force: true });
    stop?.throwIfAborted();
    const text = await endOfLog(file, { from, most: shownOutput }).catch(() => '');
    throw new SetupError(`${name} does not start: ${messageOf(error)}${text ? `\n${text}` : ''}`, {
      code: 'E_PART',
      hint,
    });
  }
}

async function spawnLogged({ command, args, env }: ChildOptions, file: string) {
  const output = await open(file, 'a');
  try {
    // A group of its own keeps Ctrl-C in a terminal from ending it before its turn.
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
      env,
    });
    endWithThisProcess(child);
    await once(child, 'spawn');
    return child;
  } finally {
    await output.close();
  }
}

/** An exit in a hurry, at a second signal or an error that nobody caught, must leave no child. */
function endWithThisProcess(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  const endNow = () => signal(-pid, 'SIGKILL');
  process.once('exit', endNow);
  child.once('exit', () => process.off('exit', endNow));
}

/** Resolves when the child serves. @throws Error that says what is wrong. */
async function bringUp(
  options: ChildOptions,
  child: ChildProcess,
  stop?: AbortSignal,
): Promise<void> {
  const identity = await identityOf(child.pid ?? 0);
  if (identity) await writeRecord(recordOf(options), identity);
  const giveUp = Date.now() + readyPatience;
  while (Date.now() < giveUp) {
    const ready = await options.isReady().catch(() => false);
    // Looked at after the answer, which another on the same address may have given.
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    if (child.signalCode !== null) throw new Error(`it was ended by ${child.signalCode}`);
    stop?.throwIfAborted();
    if (ready) return;
    await delay(lookEvery);
  }
  throw new Error(`it is not ready after ${readyPatience / 1000} s`);
}

async function untilExit(child: ChildProcess, stop: AbortSignal): Promise<void> {
  if (!isRunning(child) || stop.aborted) return;
  await once(child, 'exit', { signal: stop }).catch(() => undefined);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid !== undefined && isRunning(child)) await endGroup(child.pid, () => true);
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

/** Ends the child of this name that an Ekiden which was killed left behind. */
async function endRecorded(options: ChildOptions): Promise<void> {
  const known = await readRecord(recordOf(options));
  if (known && (await isAlive(known))) await endGroup(known.pid, () => true);
  await rm(recordOf(options), { force: true });
}

function recordOf({ data, name }: ChildOptions): string {
  return join(data, 'run', `${name}.json`);
}

function logOf({ data, name }: ChildOptions): string {
  return join(data, 'log', `${name}.log`);
}
