/** Remembers ended instances in a file, so that their logs are found after a restart of the node. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { parseJson } from '../core/json.ts';
import type { NodeInstance } from '../core/node.ts';

const savedSchema = z.array(
  z.object({
    id: z.string(),
    app: z.string(),
    sandbox: z.string(),
    folders: z.array(z.string()),
    release: z.number().optional(),
    endedAt: z.number().optional(),
    exit: z.object({ code: z.number().optional(), outOfMemory: z.boolean() }).optional(),
  }),
);

/** Those of last time; none when there is no file, or one that cannot be read. */
export async function readInstances(path: string): Promise<NodeInstance[]> {
  const text = await readFile(path, 'utf8').catch(() => '[]');
  const saved = savedSchema.safeParse(parseJson(text));
  if (!saved.success) return [];
  // What was alive then has ended, unless Docker says otherwise.
  return saved.data.map(({ release, exit, ...instance }) => ({
    ...{ ...instance, endedAt: instance.endedAt ?? Date.now() },
    ...(release === undefined ? {} : { release }),
    ...(exit ? { exit: exitOf(exit) } : {}),
  }));
}

function exitOf({ code, outOfMemory }: { code?: number | undefined; outOfMemory: boolean }) {
  return { outOfMemory, ...(code === undefined ? {} : { code }) };
}

/** Replaces the file at once as a whole. */
export async function saveInstances(path: string, instances: NodeInstance[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const saved = instances.map(({ running: _, ...instance }) => instance);
  await writeFile(`${path}.new`, JSON.stringify(saved), { mode: 0o600 });
  await rename(`${path}.new`, path);
}
