/** Processes of Ekiden, started from its compiled command line as a user's shell would. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identityOf } from '../../src/clients/processes.ts';
import { packageFolder } from '../../src/paths.ts';
import { poll } from './poll.ts';

export interface EkidenProcessOptions {
  /** Names its log and its record, by which a sweep finds it after a kill. */
  name: string;
  args: string[];
  /** Its whole environment, besides PATH and HOME. */
  settings: Record<string, string>;
  data: string;
  /** True once it serves. */
  isReady: () => Promise<boolean>;
}

export interface EkidenProcess {
  pid: number;
  /** Asks it to stop, and answers its exit code. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

const upPatience = 60_000;
const stopPatience = 45_000;

/** Resolves once it is ready. @throws Error with the end of its log. */
export async function startEkidenProcess(options: EkidenProcessOptions): Promise<EkidenProcess> {
  const { name, data, isReady } = options;
  const logFile = join(data, `${name}.log`);
  const child = spawnLogged(options, logFile);
  const record = join(data, 'run', `${name}.json`);
  await mkdir(join(data, 'run'), { recursive: true });
  await writeFile(record, JSON.stringify(await identityOf(child.pid ?? 0)));
  const stop = async () => {
    await end(child);
    await rm(record, { force: true });
    return child.exitCode;
  };
  try {
    await poll(async () => (child.exitCode !== null || (await isReady()) ? true : undefined), {
      within: upPatience,
      every: 30,
      what: `ekiden ${options.args.join(' ')}`,
    });
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
  } catch (error) {
    await stop();
    const log = (await readFile(logFile, 'utf8')).trim().slice(-1_000);
    throw new Error(`${(error as Error).message}\n${log}`, { cause: error });
  }
  return {
    pid: child.pid ?? 0,
    stop,
    kill: () => end(child, 'SIGKILL'),
  };
}

function spawnLogged({ args, settings }: EkidenProcessOptions, logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [join(packageFolder, 'dist/runners/cli.js'), ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...settings },
    stdio: ['ignore', log, log],
    // Ctrl-C reaches the demo alone, which then stops Ekiden in its turn.
    detached: true,
  });
  closeSync(log);
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const cut = setTimeout(() => child.kill('SIGKILL'), stopPatience);
  await exited;
  clearTimeout(cut);
}
