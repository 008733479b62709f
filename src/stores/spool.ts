/** A spool keeps items as files until somebody takes them; what `put` resolved for survives a crash. */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface Spool<Item> {
  /** Resolves once the item is on the disk. */
  put(name: string, item: Item): Promise<void>;
  /** Gives each item, oldest first, to `take`, and forgets it afterwards; answers how many. */
  drain(take: (item: Item) => Promise<void>): Promise<number>;
}

/** Opens the spool in `folder`, which may be shared by several processes. */
export function createSpool<Item>(folder: string): Spool<Item> {
  return {
    async put(name, item) {
      await mkdir(folder, { recursive: true });
      const file = join(folder, `${Date.now()}-${name}.json`);
      const temporary = join(folder, `.${name}-${process.pid}-${crypto.randomUUID()}`);
      await writeDurably(temporary, JSON.stringify(item));
      await rename(temporary, file);
      await syncFolder(folder);
    },
    async drain(take) {
      const names = (await list(folder)).filter((name) => name.endsWith('.json')).sort();
      for (const name of names) {
        const text = await readFile(join(folder, name), 'utf8').catch(missing);
        if (text === undefined) continue;
        await take(JSON.parse(text) as Item);
        await rm(join(folder, name), { force: true });
      }
      return names.length;
    },
  };
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

/** A rename is only durable once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function list(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(missing)) ?? [];
}

/** Another process may drain the same spool. */
function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
