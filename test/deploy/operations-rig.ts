/** Operations over the real stores and a Marathon in memory, and what tests ask of them. */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Deployment } from '../../src/core/deployment.ts';
import type { JourneyEvent } from '../../src/core/event.ts';
import { silent } from '../../src/core/log.ts';
import { createOperations } from '../../src/deploy/operations/operations.ts';
import { createServices } from '../../src/deploy/services/services.ts';
import type { Stores } from '../../src/stores/index.ts';
import { startRedisStores } from '../fakes/redis-stores.ts';
import { app, createRig } from './rig.ts';

export const web = { project: 7, environment: 'production', service: 'web' };
export const asked = { project: 7, environment: 'production', by: 'ada' };

export type OperationsRig = ReturnType<typeof createOperationsRig>;

/** Gives each test of a file a rig of its own, in one Redis. */
export function eachWithRig(take: (rig: OperationsRig) => void): void {
  let redis: Awaited<ReturnType<typeof startRedisStores>>;
  beforeAll(async () => {
    redis = await startRedisStores();
  });
  afterAll(() => redis.stop());
  beforeEach(() => take(createOperationsRig(redis.fresh())));
}

function createOperationsRig(stores: Stores) {
  const rig = createRig(stores);
  const { marathon, dataCentres } = rig;
  /** What operations handed on. */
  const handedOn: JourneyEvent[] = [];
  /** `project by` of each time that builds were cancelled. */
  const canceled: string[] = [];
  const urlOf = (address: string) => `http://${address}`;
  const services = createServices({
    ...{ ...stores, dataCentres, install: 'lab', urlOf },
    routed: stores.balancers.routed,
  });
  const operationsThat = (handOn: (event: JourneyEvent) => Promise<void>) =>
    createOperations({
      ...{
        ...stores,
        dataCentres,
        services,
        install: 'lab',
        maxInstances: 100,
        isFree: stores.balancers.isFree,
        lastRequests: 0,
        log: silent,
        handOn,
      },
      exclusively: stores.locks.exclusively,
      ensureNumbered: async () => undefined,
      cancelBuilds: async (project, by) => void canceled.push(`${project} ${by}`),
    });
  const operations = operationsThat(async (event) => void handedOn.push(event));

  async function push(id: string, change: Partial<Deployment>): Promise<void> {
    await rig.follow({ id, ...change });
    await rig.deploy(id);
  }

  return {
    ...{ ...rig, services, operations, operationsThat, handedOn, canceled, push },
    /** Brings releases up, one after the other, each from a commit of its own. */
    async releases(count: number): Promise<void> {
      for (let order = 1; order <= count; order += 1) {
        await push(`r${order}`, { order, sha: String(order).repeat(40) });
      }
      marathon.writes.length = 0;
    },
    /** Runs what was requested, as the queue would. */
    async work(deployments: Deployment[]): Promise<void> {
      for (const { id } of deployments) await rig.deploy(id);
    },
    labels: () => marathon.definitionOf(app)?.['labels'] as Record<string, string>,
    instances: () => marathon.definitionOf(app)?.['instances'],
  };
}
