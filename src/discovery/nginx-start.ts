/** Starts an nginx and tells why when it does not start. */
import { spawn } from 'node:child_process';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import {
  endGroup,
  identityOf,
  type ProcessIdentity,
  type ProcessInfo,
} from '../clients/processes.ts';
import { type Address, formatAddress, listenError } from '../core/address.ts';
import { SetupError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type Control, poll } from './nginx-control.ts';
import { environment, hintFor, missing } from './nginx-program.ts';

const startMs = 15_000;

export interface NginxProcessOptions {
  program: string;
  prefix: string;
  /** Where the process is written down, for a later run of Ekiden. */
  record: string;
  listen: Address;
  socketPath: string;
  token: string;
  control: Control;
  log: Log;
}

/** Starts nginx in a group of its own, so that it outlives Ekiden. */
export async function spawnNginx(
  options: NginxProcessOptions,
  answers: () => Promise<true | undefined>,
): Promise<ProcessIdentity> {
  const { program, prefix } = options;
  const errorLog = join(prefix, 'logs/error.log');
  await mkdir(join(prefix, 'logs'), { recursive: true });
  const before = (await stat(errorLog).catch(() => undefined))?.size ?? 0;
  const words = ['-p', prefix, '-c', `${prefix}/nginx.conf`, '-e', errorLog];
  const child = spawn(program, words, {
    cwd: prefix,
    env: environment,
    detached: true,
    stdio: 'ignore',
  });
  child.unref();
  const failure = new Promise<Error>((fail) => {
    child.once('error', (error) => fail(missing(program, error)));
    child.once('exit', () => fail(new Error('it ended at once')));
  });
  const up = await Promise.race([poll(answers, { limitMs: startMs }), failure]);
  const identity = child.pid === undefined ? undefined : await identityOf(child.pid);
  if (up === true && identity !== undefined) return identity;
  if (child.pid !== undefined) await endGroup(child.pid, isNginx);
  if (up instanceof SetupError) throw up;
  const said = (await readFile(errorLog, 'utf8').catch(() => '')).slice(before).trim();
  throw new SetupError(`nginx does not start: ${said.slice(0, 2_000) || 'no answer in time'}`, {
    code: 'E_NGINX_START',
    hint: hintFor(said, `Look at ${errorLog}.`),
  });
}

/** Throws a SetupError when something else listens there. */
export async function ensureFree(address: Address): Promise<void> {
  const server = createServer();
  const error = await new Promise<NodeJS.ErrnoException | undefined>((done) => {
    server.once('error', done);
    server.listen(address, () => done(undefined));
  });
  await new Promise((done) => server.close(done));
  // What this process may not do, nginx may: it can have the capability for ports below 1024.
  if (error === undefined || error.code === 'EACCES') return;
  const [name, setting, program] = [formatAddress(address), 'NGINX_LISTEN', 'nginx'];
  throw listenError({ address: name, setting, program, error });
}

/** True for the master and its workers, which all write nginx into their titles. */
export function isNginx({ title }: ProcessInfo): boolean {
  return title.includes('nginx');
}
