/** A copy of what Ekiden keeps, made while it runs, and the way back. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { connectRedis, type Redis } from '../clients/redis.ts';
import { InputError, messageOf, SetupError } from '../core/errors.ts';

/**
 * Who refers comes before what it refers to: what is added to the later ones meanwhile does no harm.
 * Output of apps (engine/sandboxes), nginx and logs of Ekiden's own parts are not among them.
 */
const kept = ['redis', 'spool', 'engine/state', 'registry/data'];

/** Milliseconds that a rewrite of Redis' file may take until the backup is given up. */
const rewritePatience = 120_000;

/** Milliseconds that Redis may take to be ready, as one does that reads its file. */
const readyPatience = 60_000;

/** Percent that Redis' file may grow by until it is rewritten: the setting, and its default, which Ekiden keeps. */
const growth = 'auto-aof-rewrite-percentage';
const usualGrowth = '100';

export interface BackupOptions {
  data: string;
  file: string;
}

/**
 * Writes `file`, a tar that only its owner may read; answers the folders in it. Given up by `abandon`, it
 * leaves nothing behind.
 */
export async function backUp({
  data,
  file,
  abandon,
}: BackupOptions & { abandon?: AbortSignal }): Promise<string[]> {
  const folders: string[] = [];
  for (const folder of kept) if (await exists(join(data, folder))) folders.push(folder);
  if (folders.length === 0) {
    throw new SetupError(`There is nothing to keep in ${data}.`, {
      code: 'E_DATA',
      hint: 'Set EKIDEN_DATA to the data folder of Ekiden.',
    });
  }
  const part = `${file}.part`;
  await rm(part, { force: true });
  const output = await open(part, 'wx', 0o600);
  try {
    const args = ['-c', '--exclude=*.sock', '--warning=no-file-changed', '-C', data, ...folders];
    // 1 means that a file grew meanwhile, as that of Redis does; its last line may be half a command.
    const copy = () => tar({ args, fd: output.fd, good: [0, 1], abandon });
    await withoutRewrites({ data, work: copy, abandon });
    await output.sync();
    await rename(part, file);
  } finally {
    await output.close();
    await rm(part, { force: true });
  }
  return folders;
}

/** Fills an empty data folder from `file`. */
export async function restore({ data, file }: BackupOptions): Promise<void> {
  await mkdir(data, { recursive: true });
  if ((await readdir(data)).length > 0) {
    throw new SetupError(`The data folder ${data} is not empty.`, {
      code: 'E_DATA',
      hint: 'Stop Ekiden and move the folder away, or set EKIDEN_DATA to another one.',
    });
  }
  const input = await open(file, 'r').catch((error: unknown) => {
    throw new InputError(`The backup cannot be read: ${messageOf(error)}.`, { code: 'E_BACKUP' });
  });
  try {
    await tar({ args: ['-x', '-p', '-C', data], fd: input.fd, good: [0] });
  } finally {
    await input.close();
  }
}

interface Guarded {
  data: string;
  work: () => Promise<void>;
  abandon: AbortSignal | undefined;
}

/** Redis replaces its files when it rewrites them, and half of each would be no whole. */
async function withoutRewrites({ data, work, abandon }: Guarded): Promise<void> {
  const socket = join(data, 'redis/redis.sock');
  if (!(await exists(socket))) return work();
  const redis = connectRedis({ url: `unix://${socket}`, whenAway: 'fail' });
  try {
    if (!(await isThere(redis, abandon))) return await work();
    const before = z.tuple([z.string(), z.string()]).parse(await redis.config('GET', growth))[1];
    await redis.config('SET', growth, '0');
    try {
      await awaitRewrite(redis, abandon);
      await work();
    } finally {
      // A backup that was killed has left 0 behind.
      await redis.config('SET', growth, before === '0' ? usualGrowth : before);
    }
  } finally {
    redis.disconnect();
  }
}

/** False when nobody answers at the socket, as that of a Redis that has ended. */
async function isThere(redis: Redis, abandon: AbortSignal | undefined): Promise<boolean> {
  const late = AbortSignal.timeout(readyPatience);
  const signal = abandon ? AbortSignal.any([abandon, late]) : late;
  try {
    await once(redis, 'ready', { signal });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') return false;
    abandon?.throwIfAborted();
    const problem = late.aborted ? `it is not ready after ${readyPatience} ms` : messageOf(error);
    throw new SetupError(`Redis cannot be kept from rewriting its file: ${problem}.`, {
      code: 'E_REDIS',
      hint: 'Run the command as the user of Ekiden, or stop Ekiden first.',
    });
  }
}

async function awaitRewrite(redis: Redis, signal: AbortSignal | undefined): Promise<void> {
  const giveUp = Date.now() + rewritePatience;
  while (/aof_rewrite_(in_progress|scheduled):1/.test(await redis.info('persistence'))) {
    if (Date.now() > giveUp) {
      throw new SetupError('Redis does not end to rewrite its file.', { code: 'E_REDIS' });
    }
    await delay(100, undefined, { signal });
  }
}

interface Tar {
  args: string[];
  /** Of the archive. */
  fd: number;
  /** What it may end with. */
  good: number[];
  abandon?: AbortSignal | undefined;
}

/** @throws SetupError with tar's own words. */
async function tar({ args, fd, good, abandon: signal }: Tar): Promise<void> {
  const isReading = args[0] === '-x';
  const child = spawn('tar', args, {
    signal,
    stdio: [isReading ? fd : 'ignore', isReading ? 'ignore' : fd, 'pipe'],
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-1_000);
  });
  const [code] = await once(child, 'close');
  if (good.includes(code)) return;
  throw new SetupError(`tar ended with ${code}: ${said.trim()}`, { code: 'E_BACKUP' });
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
