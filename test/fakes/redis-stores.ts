/** The stores over a Redis that one test file has for itself. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectRedis } from '../../src/clients/redis.ts';
import { childEnvironment } from '../../src/config.ts';
import { silent } from '../../src/core/log.ts';
import { startRedis } from '../../src/embedded/redis.ts';
import { createStores, type Stores } from '../../src/stores/index.ts';

export interface RedisStores {
  /** Stores that know nothing yet. */
  fresh(): Stores;
  stop(): Promise<void>;
}

export async function startRedisStores(): Promise<RedisStores> {
  const data = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'stores-'));
  const redis = await startRedis({ data, env: childEnvironment(), log: silent });
  const opened: Stores[] = [];
  return {
    fresh() {
      const config = {
        ...{ install: `t${opened.length}`, data, redisUrl: redis.url },
        ...{ buildLogMemory: 64, buildLogDays: 1 },
      };
      const stores = createStores({ config, log: silent, redis: connectRedis });
      opened.push(stores);
      return stores;
    },
    async stop() {
      for (const stores of opened) await stores.close();
      await redis.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}
