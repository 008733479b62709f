/** The role deploy: takes deployments and jobs from their queues and watches over them. */
import type { Ekiden } from '../src/ekiden.ts';
import { createRelay } from '../src/relay.ts';
import type { Runner } from './runner.ts';

/** A deployment mostly waits, so many may be watched at once. */
const deployAtOnce = 100;

/** Jobs that run at once for each process of this role; the others wait in line. */
const jobsAtOnce = 20;

export async function startDeploy(ekiden: Ekiden): Promise<Runner> {
  const relay = createRelay(ekiden);
  const deploying = ekiden.queues.deploy.work(relay.deploy, { concurrency: deployAtOnce });
  const { runner, schedules, tend } = ekiden.jobs;
  const running = ekiden.queues.jobs.work(({ job }, attempt) => runner.run(job, attempt), {
    concurrency: jobsAtOnce,
  });
  const beginning = ekiden.queues.due.work((due, { id = '' }) => schedules.begin(due, id), {
    concurrency: 1,
  });
  const stopTending = tend();
  const stopLooking = ekiden.lostDeployments.keepQueued(relay.handOn);
  const stopFinishing = ekiden.pendingRemovals.keepFinishing();
  const stopCatchingUp = ekiden.catchingUp.keepUp();
  return {
    async stop() {
      const workers = [deploying, running, beginning];
      const loops = [stopTending(), stopLooking(), stopFinishing(), stopCatchingUp()];
      await Promise.all([...workers.map((each) => each.stop()), ...loops]);
    },
  };
}
