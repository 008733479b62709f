/** The role deploy: takes deployments from the queue and watches over them. */
import type { Ekiden } from '../src/ekiden.ts';
import { createRelay } from '../src/relay.ts';
import type { Runner } from './runner.ts';

/** A deployment mostly waits, so many may be watched at once. */
const deployAtOnce = 100;

export async function startDeploy(ekiden: Ekiden): Promise<Runner> {
  const relay = createRelay(ekiden);
  const deploying = ekiden.queues.deploy.work(relay.deploy, { concurrency: deployAtOnce });
  const stopLooking = ekiden.lostDeployments.keepQueued(relay.handOn);
  return {
    async stop() {
      await Promise.all([deploying.stop(), stopLooking()]);
    },
  };
}
