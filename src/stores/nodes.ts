/** Which nodes there are, by what each said of itself last. */
import { z } from 'zod';
import { parseJson } from '../core/json.ts';
import type { NodeReport, Nodes } from '../core/node.ts';
import type { StoreOptions } from './builds.ts';

/** A node that says nothing for so long no longer counts. */
const silentSeconds = 60;

const reportSchema = z.object({
  name: z.string(),
  url: z.url({ protocol: /^https?$/ }),
  hosts: z.array(z.string()),
  at: z.number(),
});

export function createNodes({ redis, prefix }: StoreOptions): Nodes {
  const all = `${prefix}:nodes`;
  const key = (name: string) => `${prefix}:node:${name}`;

  return {
    async report(node) {
      const text = JSON.stringify(node);
      await redis
        .multi()
        .sadd(all, node.name)
        .set(key(node.name), text, 'EX', silentSeconds)
        .exec();
    },
    async leave(name) {
      await redis.multi().srem(all, name).del(key(name)).exec();
    },
    async list() {
      const names = (await redis.smembers(all)).sort();
      if (names.length === 0) return [];
      const texts = await redis.mget(names.map(key));
      const silent = names.filter((_, index) => texts[index] === null);
      if (silent.length > 0) await redis.srem(all, ...silent);
      return texts.flatMap((text): NodeReport[] => {
        const report = reportSchema.safeParse(text === null ? undefined : parseJson(text));
        return report.success ? [report.data] : [];
      });
    },
  };
}
