/** Keeps a child process of Ekiden running: started, watched, brought back, ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { endGroup, identityOf, isAlive } from '../clients/processes.ts';
import { SetupError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';

export interface ChildOptions {
  /** Names its record in `<data>/run` and its output in `<data>/log`. */
  name: string;
  command: string;
  args: string[];
  /** The whole environment of the child: it inherits none, so that no secret gets there. */
  env: Record<string, string | undefined>;
  data: string;
  /** True once the child serves; asked again and again. */
  isReady: () => Promise<boolean>;
  /** What to do when it does not come up, such as the package to install. */
  hint: string;
  log: Log;
}

export interface Child {
  /** Ends the child for good: SIGTERM, then SIGKILL after five seconds. */
  stop(): Promise<void>;
}

const readyPatience = 15_000;
const lookEvery = 20;
const shownOutput = 600;
const restartPauses = [100, 500, 1_000, 2_000, 5_000];

/** Resolves once the child is ready. @throws SetupError with the end of what it printed. */
export async function keepChild(options: ChildOptions): Promise<Child> {
  const { name, log } = options;
  await endRecorded(options);
  let stopping = false;
  let process = await start(options);

  async function watch(): Promise<void> {
    for (let failures = 0; !stopping; ) {
      if (process.exitCode === null && process.signalCode === null) await once(process, 'exit');
      if (stopping) return;
      log.warn(
        { name, exit: process.exitCode, signal: process.signalCode },
        'a part ended: it is started again',
      );
      await delay(restartPauses[Math.min(failures, restartPauses.length - 1)]);
      if (stopping) return;
      const again = await start(options).catch((error: Error) => {
        log.error({ name, error: error.message }, 'a part does not come back');
        return undefined;
      });
      failures = again ? 0 : failures + 1;
      if (again) process = again;
    }
  }

  const watching = watch();
  return {
    async stop() {
      stopping = true;
      await endRecorded(options);
      await watching;
    },
  };
}

async function start(options: ChildOptions): Promise<ChildProcess> {
  const { name, command, args, env, data } = options;
  await mkdir(join(data, 'log'), { recursive: true });
  await mkdir(join(data, 'run'), { recursive: true });
  const file = join(data, 'log', `${name}.log`);
  const output = await open(file, 'w');
  // A group of its own keeps Ctrl-C in a terminal from ending it before its turn.
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
    env,
  });
  const failed = once(child, 'error').then(([error]) => error as Error);
  await output.close();
  const problem = await awaitReady(options, child, failed);
  if (problem === undefined) return child;
  child.kill('SIGKILL');
  const text = (await readFile(file, 'utf8').catch(() => '')).trim().slice(-shownOutput);
  throw new SetupError(`${name} does not start: ${problem}${text ? `\n${text}` : ''}`, {
    code: 'E_PART',
    hint: options.hint,
  });
}

async function awaitReady(
  { isReady, data, name }: ChildOptions,
  child: ChildProcess,
  failed: Promise<Error>,
): Promise<string | undefined> {
  let error: Error | undefined;
  void failed.then((reason) => {
    error = reason;
  });
  const giveUp = Date.now() + readyPatience;
  let recorded = false;
  while (Date.now() < giveUp) {
    if (error) return error.message;
    if (child.exitCode !== null) return `it ended with ${child.exitCode}`;
    if (child.signalCode !== null) return `it was ended by ${child.signalCode}`;
    if (!recorded && child.pid !== undefined) recorded = await record(data, name, child.pid);
    if (await isReady().catch(() => false)) return undefined;
    await delay(lookEvery);
  }
  return `it is not ready after ${readyPatience / 1000} s`;
}

const recordSchema = z.object({ pid: z.number(), startTime: z.string() });

async function record(data: string, name: string, pid: number): Promise<boolean> {
  const identity = await identityOf(pid);
  if (!identity) return false;
  await writeFile(join(data, 'run', `${name}.json`), JSON.stringify(identity));
  return true;
}

/** Ends the child of this name, also one that an Ekiden which was killed left behind. */
async function endRecorded({ data, name }: ChildOptions): Promise<void> {
  const file = join(data, 'run', `${name}.json`);
  const text = await readFile(file, 'utf8').catch(() => 'null');
  const known = recordSchema.safeParse(JSON.parse(text)).data;
  if (known && (await isAlive(known))) await endGroup(known.pid, () => true);
  await rm(file, { force: true });
}
