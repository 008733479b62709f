/** The private Redis: no port, one socket in the data folder, every write in the AOF. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { connectRedis } from '../clients/redis.ts';
import { SetupError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type Child, keepChild } from './child.ts';

export interface EmbeddedOptions {
  data: string;
  /** The whole environment of the child. */
  env: Record<string, string | undefined>;
  log: Log;
  /** Gives the start up. */
  abandon?: AbortSignal;
}

/** Longest path of a unix socket in Linux, less the zero at its end. */
const socketPathLimit = 107;

/** Starts redis-server; answers the URL to reach it. */
export async function startRedis({
  data,
  env,
  log,
  abandon,
}: EmbeddedOptions): Promise<Child & { url: string }> {
  const folder = join(data, 'redis');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const socket = socketPath(folder);
  const url = `unix://${socket}`;
  const child = await keepChild({
    name: 'redis',
    command: 'redis-server',
    args: [
      ...['--port', '0', '--unixsocket', socket, '--unixsocketperm', '700'],
      ...['--dir', folder, '--daemonize', 'no', '--save', ''],
      ...['--appendonly', 'yes', '--appendfsync', 'everysec'],
      ...['--maxmemory-policy', 'noeviction'],
    ],
    env,
    data,
    isReady: () => answers(url),
    hint: 'Install it with: apt-get install redis-server. Or set REDIS_URL.',
    log,
    abandon,
  });
  return { ...child, url };
}

async function answers(url: string): Promise<boolean> {
  const redis = connectRedis({ url });
  try {
    return (await Promise.race([redis.ping(), later()])) === 'PONG';
  } finally {
    redis.disconnect();
  }
}

function later(): Promise<undefined> {
  return new Promise((wake) => setTimeout(wake, 500, undefined).unref());
}

function socketPath(folder: string): string {
  const path = join(folder, 'redis.sock');
  if (path.length <= socketPathLimit) return path;
  throw new SetupError(`The path ${path} is too long for a socket.`, {
    code: 'E_DATA_PATH',
    hint: 'Set EKIDEN_DATA to a shorter path.',
  });
}
