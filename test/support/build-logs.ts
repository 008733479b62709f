/** Logs of builds for tests: a store over Redis, and what is in a log. */
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { connectRedis } from '../../src/clients/redis.ts';
import type { BuildLogStore } from '../../src/core/build-log.ts';
import { readBuildLog } from '../../src/logs/build-log.ts';
import { type BuildLogStoreOptions, createBuildLogStore } from '../../src/stores/build-logs.ts';
import { openRedis, type TestRedis } from './redis.ts';

const mebibyte = 1024 * 1024;

/** A store for one test, which knows nothing yet. */
export async function openBuildLogStore(
  server: TestRedis,
  change: Partial<BuildLogStoreOptions> = {},
) {
  const { redis: patient, prefix } = openRedis(server);
  const redis = connectRedis({ url: server.url, whenAway: 'fail' });
  await once(redis, 'ready');
  const usual = { budget: 64 * mebibyte, seconds: 60 };
  const store = createBuildLogStore({ redis, patient, prefix, ...usual, ...change });
  onTestFinished(async () => {
    await store.close();
    redis.disconnect();
  });
  return { store, redis: patient, prefix };
}

/** All that is kept of a log. */
export async function textOfLog(store: BuildLogStore, build: string): Promise<string> {
  const { size } = await store.state(build);
  const parts: Uint8Array[] = [];
  for await (const part of readBuildLog(store, build, { start: 0, stop: size })) parts.push(part);
  return Buffer.concat(parts).toString();
}
