/** What instances used, asked of all nodes at once. */
import { z } from 'zod';
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Nodes } from '../core/node.ts';
import type { Metrics } from '../core/sample.ts';
import type { NodeRequests } from './node-requests.ts';

const limitsSchema = z
  .object({ cpu: z.number().optional(), memory: z.number().optional() })
  .transform(({ cpu, memory }) => ({
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
  }));

const column = z.array(z.number().nullable());

const metricsSchema = z.object({
  items: z.array(
    z.object({
      instance: z.string(),
      limits: limitsSchema,
      series: z.object({
        start: z.number(),
        step: z.number(),
        values: z.object({
          cpu: column,
          memory: column,
          diskRead: column,
          diskWrite: column,
          networkReceive: column,
          networkSend: column,
        }),
      }),
    }),
  ),
});

export interface NodeMetricsOptions {
  nodes: Pick<Nodes, 'list'>;
  requests: NodeRequests;
  log: Log;
}

/** A node that is away hides nothing of the others; without any that answers it is an error. */
export function createNodeMetrics({ nodes, requests, log }: NodeMetricsOptions): Metrics {
  return {
    async ofApp(app) {
      const target = `/metrics?${new URLSearchParams({ app })}`;
      const all = await nodes.list();
      const answers = await Promise.allSettled(
        all.map((node) => requests.json(node, target, metricsSchema)),
      );
      const failed = answers.filter((answer) => answer.status === 'rejected');
      for (const { reason } of failed) log.warn({ error: messageOf(reason) }, 'a node is away');
      if (failed[0] && failed.length === all.length) throw failed[0].reason;
      return answers.flatMap((answer) =>
        answer.status === 'fulfilled' ? (answer.value?.items ?? []) : [],
      );
    },
  };
}
