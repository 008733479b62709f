/** Opens everything that is kept in Redis and in the data folder. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis, RedisOptions } from '../clients/redis.ts';
import type { Arrival } from '../core/event.ts';
import type { Log } from '../core/log.ts';
import { attemptsInAll as attempts } from '../core/queue.ts';
import { createArchiveLimits } from './archive-limits.ts';
import { createArrivals, drainSpool, spooledSchema } from './arrivals.ts';
import { createBalancers } from './balancers.ts';
import { createBuildLogStore } from './build-logs.ts';
import { createBuildTurns } from './build-turns.ts';
import { createBuilders } from './builders.ts';
import { createBuildStore, createHeads, type StoreOptions } from './builds.ts';
import { createCancellations } from './cancellations.ts';
import { createDeploymentStore } from './deployments.ts';
import { createDoor } from './door.ts';
import { createFragmentUses } from './fragments.ts';
import { createLocks } from './locks.ts';
import { createNodes } from './nodes.ts';
import { createAppIds, createProjectStore } from './projects.ts';
import { createQueue } from './queue.ts';
import { createRateLimits } from './rate-limits.ts';
import { createReleaseStore, createScaleStore } from './releases.ts';
import { createSecrets } from './secrets.ts';
import { createSessions } from './sessions.ts';
import { createSpool } from './spool.ts';
import { createTagRules } from './tag-rules.ts';
import { createTickets } from './tickets.ts';

export interface StoresOptions {
  config: {
    install: string;
    data: string;
    redisUrl: string;
    /** MiB that all logs of builds may take, and days that one is kept. */
    buildLogMemory: number;
    buildLogDays: number;
  };
  log: Log;
  redis: (options: RedisOptions) => Redis;
}

export type Stores = ReturnType<typeof createStores>;

const pingPatience = 1_000;

export function createStores({ config, log, redis: connect }: StoresOptions) {
  const prefix = `ekiden:${config.install}`;
  const redis = connect({ url: config.redisUrl });
  // Whoever answers a hook must not wait for a Redis that is away.
  const impatient = connect({ url: config.redisUrl, whenAway: 'fail' });
  const options = { redis, prefix };
  const queue = { prefix: `${prefix}:queue`, redis, attempts, log };
  const open = <Work extends object>(name: string) => createQueue<Work>({ ...queue, name });

  const door = createDoor<Arrival>({ ...queue, name: 'arrivals', redis: impatient });
  const spool = createSpool({ folder: join(config.data, 'spool'), schema: spooledSchema, log });
  const queues = {
    arrivals: open<Arrival>('arrivals'),
    build: open<{ build: string }>('build'),
    deploy: open<{ deployment: string }>('deploy'),
    statuses: open<{ outbox: string }>('statuses'),
  };

  const buildLogStore = openBuildLogs(config, { redis: impatient, patient: redis, prefix });

  return {
    redis,
    prefix,
    queues,
    buildLogStore,
    buildTurns: createBuildTurns({ ...options, reprioritize: queues.build.reprioritize }),
    arrivals: createArrivals({ queue: door, spool, log }),
    drainSpool: () => drainSpool({ queue: door, spool, log }),
    ...openRecords(options),
    archiveLimits: createArchiveLimits(options),
    rateLimits: createRateLimits({ redis: impatient, prefix }),
    sessions: createSessions({ redis: impatient, prefix }),
    tickets: createTickets({ redis: impatient, prefix }),
    nodes: createNodes({ redis: impatient, prefix }),
    isReady: () => answers(impatient),
    async close() {
      const open = [door, ...Object.values(queues)];
      // A Redis that is away never answers the farewell.
      await Promise.race([Promise.allSettled(open.map((queue) => queue.close())), delay(2_000)]);
      await buildLogStore.close();
      redis.disconnect();
      impatient.disconnect();
    },
  };
}

function openBuildLogs(
  { buildLogMemory, buildLogDays }: StoresOptions['config'],
  connections: { redis: Redis; patient: Redis; prefix: string },
) {
  const budget = buildLogMemory * 1024 * 1024;
  return createBuildLogStore({ ...connections, budget, seconds: buildLogDays * 24 * 60 * 60 });
}

function openRecords(options: StoreOptions) {
  return {
    builds: createBuildStore(options),
    heads: createHeads(options),
    deployments: createDeploymentStore(options),
    releases: createReleaseStore(options),
    scales: createScaleStore(options),
    fragmentUses: createFragmentUses(options),
    knownProjects: createProjectStore(options),
    appIds: createAppIds(options),
    locks: createLocks(options),
    balancers: createBalancers(options),
    cancellations: createCancellations(options),
    builders: createBuilders(options),
    tagRules: createTagRules(options),
    secrets: createSecrets(options),
  };
}

/** A Redis that hangs keeps its connections, and never answers. */
async function answers(redis: Redis): Promise<boolean> {
  const silence = new Promise<boolean>((wake) => setTimeout(wake, pingPatience, false).unref());
  const pong = redis.ping().then(
    () => true,
    () => false,
  );
  return Promise.race([pong, silence]);
}
