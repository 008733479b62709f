/** What instances used, asked of all nodes at once. */
import { z } from 'zod';
import type { Metrics } from '../core/sample.ts';
import { type AllNodes, askAll } from './node-all.ts';

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

/** Those of nodes that answer. @throws RemoteError where none of them does */
export function createNodeMetrics(all: AllNodes): Metrics {
  return {
    async ofApp(app) {
      const target = `/metrics?${new URLSearchParams({ app })}`;
      return (await askAll(all, target, metricsSchema)).flatMap(({ items }) => items);
    },
  };
}
