/** Jobs against the real engine and its containers: a release to run them in, and what a test asks. */
import { afterAll, beforeAll } from 'vitest';
import { startNode } from '../../runners/node.ts';
import { createDataCentres } from '../../src/clients/data-centres.ts';
import { createMarathon, type Marathon } from '../../src/clients/marathon.ts';
import { createNodeClient, type NodeClient } from '../../src/clients/node.ts';
import type { Job } from '../../src/core/job.ts';
import { silent } from '../../src/core/log.ts';
import type { Release } from '../../src/core/release.ts';
import { toApp } from '../../src/deploy/releases/app-definition.ts';
import { createOutput } from '../../src/jobs/output.ts';
import { createJobRequests } from '../../src/jobs/requests.ts';
import { createJobRunner, type RunnerOptions } from '../../src/jobs/runner.ts';
import { createNode } from '../../src/node.ts';
import type { Stores } from '../../src/stores/index.ts';
import { freeAddresses } from '../demo/free-ports.ts';
import { sampleDeployment, sampleService } from '../deploy/sample.ts';
import { busybox, docker, startTestEngine, type TestEngine } from '../engine/harness.ts';
import { type RedisStores, startRedisStores } from '../fakes/redis-stores.ts';

export const place = { project: 7, environment: 'production' };
export const app = '/shop/cart/production/web';
export const secret = 'hunter2-hunter2';

/** A release whose service is a worker with a variable and a secret. */
export function sampleRelease(change: Partial<Release> = {}): Release {
  const service = sampleService({ mem: 32, cpus: 0.01, env: { GREETING: 'hello' } });
  const deployment = sampleDeployment({ image: busybox, service });
  const { sha, ref, build, projectPath, deploy } = deployment;
  const env = { API_TOKEN: secret };
  const names = { variables: ['API_TOKEN'], secrets: ['API_TOKEN'] };
  return {
    ...{ ...place, app, number: 1, service: 'web', sha, ref, build, projectPath, deploy },
    ...{ image: busybox, spec: service, serviceCount: 1, fragments: [], createdAt: 1 },
    ...names,
    definition: toApp(deployment, {
      ...{ install: 'lab', domain: 'apps.test', release: 1, createdAt: 1, env, ...names },
    }),
    ...change,
  };
}

/** `last`: no other attempt follows, as is the default. */
type Change = Partial<RunnerOptions> & { last?: boolean };

export interface JobRig {
  engine: TestEngine;
  stores: Stores;
  marathon: Marathon;
  requests: ReturnType<typeof createJobRequests>;
  /** Asks for a command, and answers the job. */
  ask(command: Job['command'], change?: { timeout?: number; mem?: number }): Promise<Job>;
  /** Works on it as a role does, until it has ended or `signal` fires. */
  work(id: string, signal?: AbortSignal, change?: Change): Promise<Job>;
  logOf(id: string): Promise<string>;
  /** Whether its processes have ended. */
  isOver(id: string): Promise<boolean>;
}

export const centresOf = (marathon: Marathon) =>
  createDataCentres({ all: [{ name: 'default', marathon }] });

/** One engine, one node and one Redis for the file. */
export function useJobs(): JobRig {
  let redis: RedisStores;
  let node: Awaited<ReturnType<typeof startNode>>;
  let nodes: NodeClient;
  const rig = {} as JobRig;
  beforeAll(async () => {
    // An engine that comes back after a crash has the same address.
    const [listen] = await freeAddresses(1);
    const [started, engine] = await Promise.all([
      startRedisStores(),
      startTestEngine({ listen: listen ?? '' }),
    ]);
    redis = started;
    const stores = redis.fresh();
    const { nodeData: data, install } = engine;
    const log = silent;
    const config = { data, install, nodeListen: '127.0.0.1:0', nodeUrl: undefined };
    node = await startNode(createNode({ config, docker, ...stores, log }));
    nodes = createNodeClient({ ...stores, log, secret: () => stores.secrets.get('node') });
    const marathon = createMarathon({ addresses: [engine.url], log });
    Object.assign(rig, partsOf({ engine, stores, marathon, nodes }));
    await stores.appIds.claim({ ...place, service: 'web', wanted: app });
    await stores.releases.create(sampleRelease());
    await stores.releases.markGood(app, 1);
  });
  afterAll(async () => {
    await rig.marathon.close();
    await nodes.close();
    await node.stop();
    await rig.engine.close();
    await redis.stop();
  });
  return rig;
}

type Given = Pick<JobRig, 'engine' | 'stores' | 'marathon'> & { nodes: NodeClient };

function partsOf({ engine, stores, marathon, nodes }: Given): JobRig {
  const { jobs, releases, appIds, jobLogs } = stores;
  const { exclusively } = stores.locks;
  const queue = {
    add: async (work: never) => ({ added: true, kept: work }),
    remove: async () => true,
  };
  const requests = createJobRequests({
    ...{ jobs, releases, appIds, exclusively, maxMemory: 1_024 },
    queue: queue as never,
  });
  const options: RunnerOptions = {
    ...{ jobs, releases, exclusively, install: engine.install, log: silent, lookEvery: 50 },
    dataCentres: centresOf(marathon),
    output: createOutput({ jobs, logs: jobLogs, logFiles: nodes.logFiles, log: silent }),
    factsOf: nodes.witness.factsOf,
    instancesOf: nodes.instancesOf,
  };
  return {
    ...{ engine, stores, marathon, requests },
    ask: (command, change) =>
      requests.run({ ...place, command, by: 'ada', timeout: 60, ...change }),
    async work(id, signal = new AbortController().signal, { last = true, ...change } = {}) {
      const attempt = { signal, first: true, last };
      await createJobRunner({ ...options, ...change }).run(id, attempt);
      const job = await jobs.find(id);
      if (!job) throw new Error(`There is no job ${id}.`);
      return job;
    },
    async isOver(id) {
      const job = await jobs.find(id);
      return job !== undefined && createJobRunner(options).isOver(job);
    },
    async logOf(id) {
      const pieces = await jobLogs.read(id, 0);
      return Buffer.concat(pieces.map(({ bytes }) => bytes)).toString();
    },
  };
}
