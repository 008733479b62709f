/** Brings deployments back into their queue that it lost, or that never came into it. */
import { isOpen } from './core/deployment.ts';
import { messageOf } from './core/errors.ts';
import type { HandOn } from './core/event.ts';
import type { Log } from './core/log.ts';
import { keepLooking } from './core/looking.ts';
import type { Stores } from './stores/index.ts';

export interface LostDeployments {
  /** Looks again and again, until the answered function is called; any number of processes may. */
  keepQueued(handOn: HandOn): () => Promise<void>;
}

export interface LostDeploymentsOptions {
  stores: {
    deployments: Pick<Stores['deployments'], 'active' | 'find' | 'end'>;
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

/** Answers those that are missing since this look: what is about to be queued, or to end, is so for a moment. */
async function lookOnce(
  { stores: { deployments, queues }, log }: LostDeploymentsOptions,
  handOn: HandOn,
  missing: ReadonlySet<string>,
): Promise<Set<string>> {
  const since = new Set<string>();
  for (const id of await deployments.active()) {
    if (await queues.deploy.has(id)) continue;
    const deployment = await deployments.find(id);
    if (!deployment || !isOpen(deployment)) continue;
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
