/** A spool keeps items as files until somebody takes them; what `put` resolved for survives a crash. */
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import { parseJson } from '../core/json.ts';
import type { Log } from '../core/log.ts';

export interface Spool<Item> {
  /**
   * Resolves once the item is on the disk. Answers what is kept under the name, and whether that
   * is this item.
   */
  put(name: string, item: Item): Promise<{ added: boolean; kept: Item }>;
  /** Gives each item, oldest first, to `take`, and forgets it afterwards; answers how many. */
  drain(take: (item: Item) => Promise<void>): Promise<number>;
}

export interface SpoolOptions<Item> {
  /** May be shared by several processes. */
  folder: string;
  schema: z.ZodType<Item>;
  log: Log;
}

export function createSpool<Item>(options: SpoolOptions<Item>): Spool<Item> {
  const { folder } = options;

  async function put(name: string, item: Item): Promise<{ added: boolean; kept: Item }> {
    const file = join(folder, `${name}.json`);
    const known = await read(options, file);
    if (known !== undefined) return { added: false, kept: known };
    const temporary = join(folder, `.${name}-${crypto.randomUUID()}`);
    await makeFolder(folder);
    await writeDurably(temporary, JSON.stringify(item));
    const added = await link(temporary, file).then(() => true, unless('EEXIST'));
    await rm(temporary);
    await syncFolder(folder);
    return added ? { added, kept: item } : put(name, item);
  }

  return {
    put,
    async drain(take) {
      let count = 0;
      for (const file of await filesByAge(folder)) {
        const item = await read(options, file);
        if (item === undefined) continue;
        await take(item);
        await rm(file, { force: true });
        count += 1;
      }
      return count;
    },
  };
}

/** Another process may drain the same spool, so a file can be gone; a broken one is put aside. */
async function read<Item>({ schema, log }: SpoolOptions<Item>, file: string) {
  const text = await readFile(file, 'utf8').catch(unless('ENOENT'));
  if (text === undefined) return undefined;
  const item = schema.safeParse(parseJson(text));
  if (item.success) return item.data;
  log.warn({ file: `${file}.broken` }, 'a file of the spool is broken: it is put aside');
  await rename(file, `${file}.broken`).catch(unless('ENOENT'));
  return undefined;
}

async function filesByAge(folder: string): Promise<string[]> {
  const names = (await readdir(folder).catch(unless('ENOENT'))) ?? [];
  const files = await Promise.all(
    names
      .filter((name) => name.endsWith('.json'))
      .map(async (name) => {
        const file = join(folder, name);
        return { file, written: (await stat(file).catch(unless('ENOENT')))?.mtimeMs ?? 0 };
      }),
  );
  return files.sort((a, b) => a.written - b.written).map(({ file }) => file);
}

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true });
  if (first !== undefined) await syncFolder(dirname(first));
}

/** A new name is only durable once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Turns the one expected error into undefined. */
function unless(code: string) {
  return (error: NodeJS.ErrnoException): undefined => {
    if (error.code === code) return undefined;
    throw error;
  };
}
