/** A deployer, a node and the real engine on one Docker: what fails there leaves evidence. */
import { startNode } from '../../runners/node.ts';
import { createDataCentres } from '../../src/clients/data-centres.ts';
import { createMarathon } from '../../src/clients/marathon.ts';
import { createNodeClient } from '../../src/clients/node.ts';
import type { Deployment } from '../../src/core/deployment.ts';
import { silent } from '../../src/core/log.ts';
import type { ServiceSpec } from '../../src/core/manifest.ts';
import { createDeployer } from '../../src/deploy/deployer.ts';
import { createDiagnosing } from '../../src/failures.ts';
import { createNode } from '../../src/node.ts';
import type { Parts } from '../../src/parts.ts';
import type { Stores } from '../../src/stores/index.ts';
import { busybox, docker, startTestEngine } from '../engine/harness.ts';
import { startRedisStores } from '../fakes/redis-stores.ts';
import { sampleDeployment, sampleService } from './sample.ts';

export type FailingRig = Awaited<ReturnType<typeof startFailingRig>>;

/** With everything started; `stop` ends it. */
export async function startFailingRig() {
  const [redis, engine] = await Promise.all([startRedisStores(), startTestEngine({ cpus: 4 })]);
  const marathon = createMarathon({ addresses: [engine.url], log: silent });
  const stores = redis.fresh();
  const { install, nodeData: data } = engine;
  const node = createNode({
    config: { data, install, nodeListen: '127.0.0.1:0', nodeUrl: undefined },
    ...{ docker, nodes: stores.nodes, secrets: stores.secrets, log: silent },
  });
  const running = await startNode(node);
  const nodes = createNodeClient({
    ...{ nodes: stores.nodes, log: silent },
    secret: () => stores.secrets.get('node'),
  });
  const dataCentres = createDataCentres({ all: [{ name: 'default', marathon }] });
  const parts = { config: { install }, stores, dataCentres, marathon, log: silent };
  const diagnosing = createDiagnosing(parts as unknown as Parts, nodes);
  const deployer = createDeployer({
    ...{ ...stores, dataCentres, ...diagnosing.explainer, install, log: silent },
    exclusively: stores.locks.exclusively,
    ...{ isRouted: async () => true, isFree: async () => true },
    environmentOf: async () => ({
      env: { TOKEN: 'hunter2-secret' },
      secrets: ['TOKEN'],
      warnings: [],
    }),
    urlOf: (address) => `http://${address}`,
    domain: 'apps.test',
  });

  const stopping = new AbortController();
  return {
    ...{ stores, engine, marathon, diagnosing },
    /** Deploys a service and goes on until its end, or until `stop`. */
    async deploy(name: string, change: Partial<ServiceSpec>, more: Partial<Deployment> = {}) {
      const app = `/why/${name}`;
      const service = sampleService({ name, mem: 32, health, ...change });
      await follow(stores, { id: name, app, image: busybox, service, deadline: 300, ...more });
      const leaving = new AbortController();
      const attempt = (signal: AbortSignal) =>
        deployer.deploy(name, async () => undefined, { signal, first: true, last: true });
      const done = attempt(AbortSignal.any([stopping.signal, leaving.signal]));
      // Whoever lets it expire does not look at how its first attempt ended.
      done.catch(() => undefined);
      return {
        ...{ app, done },
        /** Leaves it to another attempt, which finds that its deadline has passed. */
        async expire() {
          leaving.abort();
          await done.catch(() => undefined);
          await stores.deployments.update(name, { deadline: 0 });
          await attempt(stopping.signal);
        },
      };
    },
    /** Whether of each instance that runs the engine has an answer of its check, and the node its ports. */
    async isLookedAt(app: string) {
      const tasks = (await marathon.app(app))?.tasks ?? [];
      const running = tasks.filter(({ state }) => state === 'TASK_RUNNING');
      const facts = await Promise.all(running.map(({ id }) => nodes.witness.factsOf(id)));
      const isChecked = running.every(({ healthCheckResults }) => healthCheckResults.length > 0);
      return isChecked && facts.every((each) => each?.listening !== undefined);
    },
    /** Ports on which the instances of an app listen. */
    async listeningOf(app: string) {
      const tasks: { id: string }[] = await engine.tasks(app);
      const facts = await Promise.all(tasks.map(({ id }) => nodes.witness.factsOf(id)));
      return facts.flatMap((each) => each?.listening?.map(({ port }) => port) ?? []);
    },
    /** Sends a signal to the first instance of an app. */
    async signal(app: string, signal: NodeJS.Signals) {
      const [{ id }] = await engine.tasks(app);
      const filters = { label: [`MESOS_TASK_ID=${id}`] };
      const [container] = await docker.listContainers({ filters });
      await docker.getContainer(container?.Id ?? '').kill({ signal });
    },
    async stop() {
      stopping.abort();
      await nodes.close();
      await running.stop();
      await marathon.close();
      await engine.close();
      await redis.stop();
    },
  };
}

const health = { interval: 1, timeout: 2, grace: 60, failures: 3 };

async function follow({ deployments }: Stores, wanted: Partial<Deployment>): Promise<void> {
  await deployments.lead(await deployments.create(sampleDeployment(wanted)));
}
