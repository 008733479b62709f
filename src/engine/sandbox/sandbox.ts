/** The folder of each task: its output, its relative volumes; kept for a while after its death. */
import { chmod, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

export type Sandboxes = ReturnType<typeof createSandboxes>;

/** Dead sandboxes that are kept, the newest; the second bound is for apps that are gone. */
const KEPT_PER_APP = 20;
const KEPT_IN_ALL = 1000;

interface SandboxRequest {
  /** Relative to the sandbox. */
  folders: string[];
  /** For a task that runs as a user of its own, who is to write to the sandbox too. */
  isShared: boolean;
}

export function createSandboxes(data: string) {
  const root = join(data, 'sandboxes');

  return {
    path: (taskId: string): string => join(root, taskId),

    /** Makes the folder and the ones that relative volumes name, which any user may write to. */
    create: async (taskId: string, { folders, isShared }: SandboxRequest): Promise<string> => {
      const path = join(root, taskId);
      await mkdir(path, { recursive: true });
      if (isShared) await chmod(path, 0o777);
      for (const folder of folders) {
        const inside = join(path, folder);
        await mkdir(inside, { recursive: true });
        await chmod(inside, 0o777);
      }
      return path;
    },

    /** Removes the dead sandboxes that are too many; `alive` are the task ids in use. */
    prune: async (alive: Set<string>): Promise<void> => {
      const names = (await readdir(root).catch(() => [])).filter((name) => !alive.has(name));
      const sizes = countBy(names, appPart);
      const crowded = names.length > KEPT_IN_ALL;
      const suspects = names.filter((name) => crowded || isMany(sizes.get(appPart(name))));
      for (const name of superfluous(await byAge(root, suspects))) {
        await rm(join(root, name), { recursive: true, force: true });
      }
    },
  };
}

/** Of the names, youngest first, those beyond what is kept. */
function superfluous(names: string[]): string[] {
  const seen = new Map<string, number>();
  let kept = 0;
  return names.filter((name) => {
    const app = appPart(name);
    const rank = (seen.get(app) ?? 0) + 1;
    seen.set(app, rank);
    if (rank > KEPT_PER_APP || kept >= KEPT_IN_ALL) return true;
    kept += 1;
    return false;
  });
}

async function byAge(root: string, names: string[]): Promise<string[]> {
  const aged = await Promise.all(
    names.map(async (name) => {
      const info = await stat(join(root, name)).catch(() => undefined);
      return { name, changed: info?.mtimeMs ?? 0 };
    }),
  );
  return aged.sort((a, b) => b.changed - a.changed).map(({ name }) => name);
}

function appPart(name: string): string {
  return name.replace(/\.instance-.*$/, '');
}

function isMany(count = 0): boolean {
  return count > KEPT_PER_APP;
}

function countBy(names: string[], keyOf: (name: string) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(keyOf(name), (counts.get(keyOf(name)) ?? 0) + 1);
  return counts;
}
