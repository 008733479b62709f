/** Finds the node that has an instance, and remembers it. */
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { RemoteError } from '../core/errors.ts';
import type { NodeReport, Nodes } from '../core/node.ts';
import type { NodeRequests } from './node-requests.ts';

const instanceSchema = z.object({ id: z.string(), isAlive: z.boolean() });

const mostRemembered = 10_000;

export interface NodePlaces {
  /** Undefined when every node says that it does not know the instance. @throws RemoteError */
  find(instance: string): Promise<NodeReport | undefined>;
  forget(instance: string): void;
}

export interface NodePlacesOptions {
  nodes: Pick<Nodes, 'list'>;
  requests: NodeRequests;
}

export function createNodePlaces({ nodes, requests }: NodePlacesOptions): NodePlaces {
  const places = new LRUCache<string, string>({ max: mostRemembered });

  async function ask(node: NodeReport, instance: string) {
    const target = `/instances/${encodeURIComponent(instance)}`;
    const found = await requests.json(node, target, instanceSchema);
    return found && { node, isAlive: found.isAlive };
  }

  return {
    async find(instance) {
      const all = await nodes.list();
      if (all.length === 0) throw noNode();
      const known = all.find(({ name }) => name === places.get(instance));
      if (known) return known;
      // One that is away must not hide what another has.
      const answers = await Promise.allSettled(all.map((node) => ask(node, instance)));
      const found = answers.flatMap(
        (answer) => (answer.status === 'fulfilled' && answer.value) || [],
      );
      const [best] = found.sort((a, b) => Number(b.isAlive) - Number(a.isAlive));
      if (best) {
        places.set(instance, best.node.name);
        return best.node;
      }
      const failed = answers.find((answer) => answer.status === 'rejected');
      if (failed) throw failed.reason;
      return undefined;
    },
    forget: (instance) => void places.delete(instance),
  };
}

function noNode(): RemoteError {
  return new RemoteError('No node reports, so logs and metrics are not at hand.', {
    code: 'E_NO_NODE',
    hint: 'Run ekiden node on each compute host, with the same REDIS_URL and EKIDEN_INSTALL.',
  });
}
