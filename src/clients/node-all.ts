/** Asks all nodes the same at once. */
import type { z } from 'zod';
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Nodes } from '../core/node.ts';
import type { NodeRequests } from './node-requests.ts';

export interface AllNodes {
  nodes: Pick<Nodes, 'list'>;
  requests: NodeRequests;
  log: Log;
}

/** A node that is away hides nothing of the others; without any that answers it is an error. */
export async function askAll<T extends z.ZodType>(
  { nodes, requests, log }: AllNodes,
  target: string,
  schema: T,
): Promise<z.output<T>[]> {
  const all = await nodes.list();
  const answers = await Promise.allSettled(all.map((node) => requests.json(node, target, schema)));
  const failed = answers.filter((answer) => answer.status === 'rejected');
  for (const { reason } of failed) log.warn({ error: messageOf(reason) }, 'a node is away');
  if (failed[0] && failed.length === all.length) throw failed[0].reason;
  return answers.flatMap((answer) =>
    answer.status === 'fulfilled' && answer.value !== undefined ? [answer.value] : [],
  );
}
