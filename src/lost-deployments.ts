/** Brings deployments back into their queue that it lost, or that never came into it. */
import { type Deployment, isOpen } from './core/deployment.ts';
import { holdOf } from './core/environment.ts';
import { messageOf } from './core/errors.ts';
import type { HandOn } from './core/event.ts';
import type { Log } from './core/log.ts';
import { keepLooking } from './core/looking.ts';
import { releaseHeld } from './deploy/held.ts';
import type { Stores } from './stores/index.ts';

export interface LostDeployments {
  /** Looks again and again, until the answered function is called; any number of processes may. */
  keepQueued(handOn: HandOn): () => Promise<void>;
}

export interface LostDeploymentsOptions {
  stores: {
    deployments: Stores['deployments'];
    releases: Pick<Stores['releases'], 'isBad'>;
    environmentSettings: Pick<Stores['environmentSettings'], 'find'>;
    queues: { deploy: Pick<Stores['queues']['deploy'], 'add' | 'has'> };
  };
  /** How often it is looked, in milliseconds. */
  every?: number;
  log: Log;
}

export function createLostDeployments(options: LostDeploymentsOptions): LostDeployments {
  const { every = 15_000, log } = options;
  return {
    keepQueued(handOn) {
      let missing = new Set<string>();
      return keepLooking({
        look: async () => {
          missing = await lookOnce(options, handOn, missing);
        },
        every,
        onError: (error) =>
          log.warn({ error: messageOf(error) }, 'cannot look for lost deployments'),
      });
    },
  };
}

/** A freeze may end by itself, and whoever ended one may have died before what it held was let go. */
async function lookAtHeld(
  stores: LostDeploymentsOptions['stores'],
  { id, project, environment, reason }: Deployment,
  handOn: HandOn,
): Promise<void> {
  const { deployments, environmentSettings } = stores;
  const settings = await environmentSettings.find(project, environment);
  const hold = holdOf(settings, environment, Date.now());
  if (hold !== undefined) {
    if (hold !== reason) await deployments.hold(id, hold);
    return;
  }
  for (const event of await releaseHeld(stores, { project, environment })) await handOn(event);
}

/** Answers those that are missing since this look: what is about to be queued, or to end, is so for a moment. */
async function lookOnce(
  { stores, log }: LostDeploymentsOptions,
  handOn: HandOn,
  missing: ReadonlySet<string>,
): Promise<Set<string>> {
  const { deployments, queues } = stores;
  const since = new Set<string>();
  for (const id of await deployments.active()) {
    if (await queues.deploy.has(id)) continue;
    const deployment = await deployments.find(id);
    if (!deployment || !isOpen(deployment)) continue;
    if (deployment.state === 'held') {
      await lookAtHeld(stores, deployment, handOn);
      continue;
    }
    if (!missing.has(id)) {
      since.add(id);
      continue;
    }
    log.warn({ deployment: id }, 'a deployment was lost by its queue, and is queued again');
    await queues.deploy.add({ deployment: id }, { id });
    if (await queues.deploy.has(id)) continue;
    // The queue has ended it without a word, and takes nothing of its id for a day.
    const reason = 'the queue of deployments has lost it: deploy again';
    if (await deployments.end(id, 'failed', reason)) {
      await handOn({ type: 'deployment.failed', deployment: id });
    }
  }
  return since;
}
