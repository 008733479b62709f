/** What the measurements share: where they may write, a Redis, and servers that are to be measured. */

import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { silent } from '../../src/core/log.ts';
import { startRedis } from '../../src/embedded/redis.ts';
import { packageFolder } from '../../src/paths.ts';
import { type EkidenProcess, startEkidenProcess } from '../demo/ekiden-process.ts';
import { freeAddresses } from '../demo/free-ports.ts';
import { poll } from '../demo/poll.ts';
import { secret } from './deliveries.ts';

export interface Bench {
  /** Folder for everything. */
  data: string;
  install: string;
  dockerHost: string;
  images: { busybox: string; node: string };
}

/** One line of the table. */
export interface Row {
  what: string;
  measured: string;
  /** What it is to be, in words. */
  aim: string;
}

export interface Served {
  url: string;
  pid: number;
  kill(): Promise<void>;
  stop(): Promise<unknown>;
}

export type Stop = () => Promise<unknown>;

/** Ends what was started, the last first; what cannot be ended keeps nothing else. */
export async function stopAll(stops: Stop[]): Promise<void> {
  const errors: unknown[] = [];
  for (const stop of stops.toReversed()) {
    await stop().catch((error: unknown) => errors.push(error));
  }
  if (errors.length > 0) throw new AggregateError(errors, `not ended: ${errors.join(', ')}`);
}

/** A Redis of its own with AOF, as `ekiden up` starts it. */
export async function openRedis(data: string): Promise<{ url: string; stop(): Promise<unknown> }> {
  await mkdir(data, { recursive: true });
  return await startRedis({ data, env: { PATH: process.env['PATH'] }, log: silent });
}

export interface RolesOptions {
  bench: Bench;
  /** Names its folder and its log. */
  name: string;
  roles: string[];
  redis: string;
  settings?: Record<string, string>;
  /** Where it is to listen; default is a free port. */
  listen?: string;
}

/** `ekiden ROLES` as a process of its own. */
export async function startRolesProcess(options: RolesOptions): Promise<Served> {
  const { bench, name, roles, redis } = options;
  const data = join(bench.data, name);
  await mkdir(data, { recursive: true });
  const listen = options.listen ?? (await freeAddress());
  const url = `http://${listen}`;
  const started = await startEkidenProcess({
    name,
    args: roles,
    data,
    settings: {
      GITLAB_URL: 'http://127.0.0.1:9',
      GITLAB_TOKEN: 'token',
      EKIDEN_HOOK_SECRET: secret,
      EKIDEN_LISTEN: listen,
      EKIDEN_URL: url,
      EKIDEN_DATA: data,
      EKIDEN_INSTALL: bench.install,
      REDIS_URL: redis,
      REGISTRY_URL: '127.0.0.1:9',
      MARATHON_URL: 'http://127.0.0.1:9',
      DOCKER_HOST: bench.dockerHost,
      ...options.settings,
    },
    isReady: async () => await isListening(listen),
  });
  return { url, ...started };
}

/** Probot, with the same Redis. */
export async function startProbot(bench: Bench, redis: string): Promise<Served> {
  const listen = await freeAddress();
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const log = openSync(join(bench.data, 'probot.log'), 'a');
  const child = spawn(process.execPath, [join(packageFolder, 'test/bench/probot.js')], {
    stdio: ['ignore', log, log],
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      BENCH_LISTEN: listen,
      BENCH_REDIS: redis,
      BENCH_SECRET: secret,
      BENCH_PRIVATE_KEY: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    },
  });
  closeSync(log);
  const exited = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  await awaitListening(listen).catch(async (error: unknown) => {
    await kill();
    throw error;
  });
  return { url: `http://${listen}`, pid: child.pid ?? 0, kill, stop: kill };
}

export async function freeAddress(): Promise<string> {
  const [address = ''] = await freeAddresses(1);
  return address;
}

export async function awaitListening(address: string): Promise<void> {
  await poll(async () => ((await isListening(address)) ? true : undefined), {
    within: 30_000,
    every: 10,
    what: `a server at ${address}`,
  });
}

async function isListening(address: string): Promise<boolean> {
  const [host = '', port] = address.split(':');
  const socket = createConnection({ host, port: Number(port) });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

export type { EkidenProcess };
