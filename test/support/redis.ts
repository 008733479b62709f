/** A private Redis for a test file, which can be stopped, started again and paused like a broken one. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { connectRedis, type Redis } from '../../src/clients/redis.ts';
import { silent } from '../../src/core/log.ts';
import { startRedis } from '../../src/embedded/redis.ts';

export interface TestRedis {
  url: string;
  /** Ends the server; what it keeps stays in its folder. */
  stop(): Promise<void>;
  /** Brings it back at the same address, with what it kept. */
  start(): Promise<void>;
  /** Makes it hang: connections stay open, nothing is answered. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

/** Starts one for the tests of the file; the object is filled before the first test. */
export function useRedis(): TestRedis {
  const redis = {} as TestRedis;
  let end = async () => {};
  beforeAll(async () => {
    const data = await mkdtemp(join(dataFolder(), 'redis-'));
    Object.assign(redis, await startTestRedis(data));
    end = async () => {
      await redis.resume();
      await redis.stop();
      await rm(data, { recursive: true, force: true });
    };
  });
  afterAll(() => end());
  return redis;
}

async function startTestRedis(data: string): Promise<TestRedis> {
  let server: Awaited<ReturnType<typeof startRedis>> | undefined;
  const start = async () => {
    server ??= await startRedis({ data, env: { PATH: process.env['PATH'] }, log: silent });
  };
  const signal = async (name: NodeJS.Signals) => {
    const text = await readFile(join(data, 'run/redis.json'), 'utf8').catch(() => undefined);
    if (text !== undefined) process.kill(JSON.parse(text).pid, name);
  };
  await start();
  return {
    url: server?.url ?? '',
    start,
    async stop() {
      await server?.stop();
      server = undefined;
    },
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
  };
}

/** A connection and a prefix of its own for one test. */
export function openRedis({ url }: TestRedis): { redis: Redis; prefix: string } {
  const redis = connectRedis({ url });
  onTestFinished(() => redis.disconnect());
  return { redis, prefix: `ekiden:${newInstall()}` };
}

/** An empty folder for one test. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(dataFolder(), 'data-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export function newInstall(): string {
  return `test-${crypto.randomUUID().slice(0, 8)}`;
}

function dataFolder(): string {
  return process.env['EKIDEN_TEST_DATA'] ?? tmpdir();
}
