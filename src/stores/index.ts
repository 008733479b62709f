/** Opens everything that is kept in Redis and in the data folder. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis, RedisOptions } from '../clients/redis.ts';
import type { Arrival } from '../core/event.ts';
import type { DueWork } from '../core/job.ts';
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
import { createDurations } from './durations.ts';
import { createEnvironmentSettings } from './environments.ts';
import { createEvidenceStore } from './evidence.ts';
import { createFragmentUses } from './fragments.ts';
import { createJobStore } from './jobs.ts';
import { createLeases } from './leases.ts';
import { createLocks } from './locks.ts';
import { createNodes } from './nodes.ts';
import { createAppIds, createProjectStore } from './projects.ts';
import { createQueue, type QueueOptions } from './queue.ts';
import { createRateLimits } from './rate-limits.ts';
import { createReleaseStore } from './releases.ts';
import { createRemovals } from './removals.ts';
import { createScaleStore } from './scales.ts';
import { createScheduleStore, dueQueue } from './schedules.ts';
import { createSecrets } from './secrets.ts';
import { createSessions } from './sessions.ts';
import { createSpool } from './spool.ts';
import { createTagRules } from './tag-rules.ts';
import { createTickets } from './tickets.ts';
import { createTrafficStore } from './traffic.ts';

export interface StoresOptions {
  config: {
    install: string;
    data: string;
    redisUrl: string;
    /** MiB that all logs of builds may take, and days that one is kept. */
    buildLogMemory: number;
    buildLogDays: number;
    hookPatience?: number;
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

  const door = createDoor<Arrival>({ ...queue, name: 'arrivals', redis: impatient });
  const spool = createSpool({ folder: join(config.data, 'spool'), schema: spooledSchema, log });
  const queues = openQueues(queue);
  const schedules = createScheduleStore({ ...queue, ...options, queuePrefix: queue.prefix });
  const connections = { redis: impatient, patient: redis, prefix };
  const { buildLogStore, jobLogs } = openLogs(config, connections);

  return {
    redis,
    prefix,
    ...{ queues, schedules },
    ...{ buildLogStore, jobLogs },
    buildTurns: createBuildTurns({ ...options, reprioritize: queues.build.reprioritize }),
    arrivals: createArrivals({ queue: door, spool, log, patience: config.hookPatience }),
    drainSpool: () => drainSpool({ queue: door, spool, log }),
    ...openRecords(options),
    archiveLimits: createArchiveLimits(options),
    ...openImpatient({ redis: impatient, prefix }),
    isReady: () => answers(impatient),
    async close() {
      const open = [door, schedules, ...Object.values(queues)];
      // A Redis that is away never answers the farewell.
      await Promise.race([Promise.allSettled(open.map((queue) => queue.close())), delay(2_000)]);
      await Promise.all([buildLogStore.close(), jobLogs.close()]);
      redis.disconnect();
      impatient.disconnect();
    },
  };
}

function openQueues(options: Omit<QueueOptions, 'name'>) {
  const open = <Work extends object>(name: string) => createQueue<Work>({ ...options, name });
  return {
    arrivals: open<Arrival>('arrivals'),
    build: open<{ build: string }>('build'),
    deploy: open<{ deployment: string }>('deploy'),
    jobs: open<{ job: string }>('jobs'),
    due: open<DueWork>(dueQueue),
    statuses: open<{ outbox: string }>('statuses'),
  };
}

function openLogs(config: StoresOptions['config'], connections: Connections) {
  return {
    buildLogStore: openBuildLogs(config, connections),
    jobLogs: openJobLogs(config, connections),
  };
}

interface Connections {
  redis: Redis;
  patient: Redis;
  prefix: string;
}

function openBuildLogs(
  { buildLogMemory, buildLogDays }: StoresOptions['config'],
  connections: Connections,
) {
  const budget = buildLogMemory * 1024 * 1024;
  return createBuildLogStore({ ...connections, budget, seconds: buildLogDays * 24 * 60 * 60 });
}

/** MiB that the logs of all jobs may take, and bytes that are kept of one of its beginning and of its end. */
const jobLogMemory = 64;
const jobLogEnds = { head: 128 * 1024, tail: 1024 * 1024 };

/** Logs of jobs are kept as those of builds are, beside them, so that neither pushes the other out. */
function openJobLogs(
  { buildLogDays }: StoresOptions['config'],
  { prefix, ...connections }: Connections,
) {
  return createBuildLogStore({
    ...connections,
    prefix: `${prefix}:jobs`,
    budget: jobLogMemory * 1024 * 1024,
    seconds: buildLogDays * 24 * 60 * 60,
    ends: jobLogEnds,
  });
}

/** What somebody waits for who is to hear at once that Redis is away. */
function openImpatient(options: StoreOptions) {
  return {
    rateLimits: createRateLimits(options),
    sessions: createSessions(options),
    tickets: createTickets(options),
    nodes: createNodes(options),
  };
}

function openRecords(options: StoreOptions) {
  return {
    builds: createBuildStore(options),
    heads: createHeads(options),
    deployments: createDeploymentStore(options),
    jobs: createJobStore(options),
    releases: createReleaseStore(options),
    evidence: createEvidenceStore(options),
    scales: createScaleStore(options),
    removals: createRemovals(options),
    environmentSettings: createEnvironmentSettings(options),
    fragmentUses: createFragmentUses(options),
    knownProjects: createProjectStore(options),
    appIds: createAppIds(options),
    locks: createLocks(options),
    leases: createLeases(options),
    balancers: createBalancers(options),
    cancellations: createCancellations(options),
    builders: createBuilders(options),
    tagRules: createTagRules(options),
    secrets: createSecrets(options),
    traffic: createTrafficStore(options),
    durations: createDurations(options),
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
