/** A deployer over a Marathon in memory and the real stores, and what a test asks of it. */
import { createDataCentres } from '../../src/clients/data-centres.ts';
import type { Deployment } from '../../src/core/deployment.ts';
import { RemoteError } from '../../src/core/errors.ts';
import type { JourneyEvent } from '../../src/core/event.ts';
import { silent } from '../../src/core/log.ts';
import { createDeployer, type DeployerOptions } from '../../src/deploy/deployer.ts';
import type { Stores } from '../../src/stores/index.ts';
import { createFakeMarathon } from '../fakes/marathon.ts';
import { sampleDeployment } from './sample.ts';

export const app = '/shop/cart/production/web';
export const away = () => new RemoteError('Marathon is away.', { code: 'E_MARATHON_503' });
export const wrongPort = {
  healthCheckResults: [
    { alive: false, consecutiveFailures: 3, lastFailureCause: 'listens on 3000, checked 8080' },
  ],
};

export type Rig = ReturnType<typeof createRig>;

interface Change extends Partial<DeployerOptions> {
  last?: boolean;
  signal?: AbortSignal;
}

/** With the names of data centres each has a Marathon of its own; `marathon` is that of the first. */
export function createRig(stores: Stores, names: [string, ...string[]] = ['default']) {
  const marathons = names.map((name) => ({ name, marathon: createFakeMarathon() }));
  const dataCentres = createDataCentres({ all: marathons });
  const marathon = marathons[0]?.marathon ?? createFakeMarathon();
  /** What was handed on while deployments were under way. */
  const events: JourneyEvent[] = [];

  /** Records a deployment whose app follows it from now on, as requestDeployments does. */
  async function follow(change: Partial<Deployment>): Promise<Deployment> {
    const deployment = await stores.deployments.create(sampleDeployment(change));
    await stores.deployments.lead(deployment);
    return deployment;
  }

  async function deploy(id: string, { last = false, signal, ...change }: Change = {}) {
    const deployer = createDeployer({
      ...{ ...stores, dataCentres, log: silent },
      exclusively: stores.locks.exclusively,
      isRouted: stores.balancers.isRouted,
      isFree: stores.balancers.isFree,
      lastRequests: 0,
      urlOf: (address) => `http://${address}`,
      install: 'lab',
      domain: 'apps.test',
      ...change,
    });
    return deployer.deploy(id, async (event) => void events.push(event), {
      signal: signal ?? new AbortController().signal,
      first: true,
      last,
    });
  }

  return {
    ...{ stores, marathon, dataCentres, events, follow, deploy },
    /** The Marathon of a data centre. */
    marathonAt: (name: string) =>
      marathons.find((each) => each.name === name)?.marathon ?? marathon,
    /** How a deployment ended, if it did. */
    async endOf(id: string) {
      const { state, reason } = (await stores.deployments.find(id)) ?? {};
      return { state, reason };
    },
    /** Brings release 1 up, so that there is something to go back to. */
    async firstRelease() {
      await follow({ id: 'first' });
      await deploy('first');
      events.length = 0;
      marathon.writes.length = 0;
    },
  };
}
