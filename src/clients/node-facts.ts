/** What nodes saw of an instance: whether it lives, how it ended, and where it listens. */
import { z } from 'zod';
import type { InstanceFacts, NodeReport } from '../core/node.ts';
import type { NodeRequests } from './node-requests.ts';

const exitSchema = z.object({ code: z.number().optional(), outOfMemory: z.boolean() });

const viewSchema = z.object({
  isAlive: z.boolean(),
  release: z.number().optional(),
  endedAt: z.number().optional(),
  exit: exitSchema.optional(),
});

const listeningSchema = z.object({
  items: z.array(z.object({ port: z.number(), loopback: z.boolean() })).optional(),
});

/** Undefined when the node does not know the instance. */
export async function askFacts(
  requests: NodeRequests,
  node: NodeReport,
  instance: string,
): Promise<InstanceFacts | undefined> {
  const target = `/instances/${encodeURIComponent(instance)}`;
  const [view, listening] = await Promise.all([
    requests.json(node, target, viewSchema),
    requests.json(node, `${target}/listening`, listeningSchema),
  ]);
  if (!view) return undefined;
  const { isAlive, release, endedAt, exit } = view;
  return {
    isAlive,
    ...(release === undefined ? {} : { release }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(exit ? { exit: exitOf(exit) } : {}),
    ...(listening?.items ? { listening: listening.items } : {}),
  };
}

function exitOf({ code, outOfMemory }: z.output<typeof exitSchema>) {
  return { outOfMemory, ...(code === undefined ? {} : { code }) };
}
