/** The folder of each task: its output, its relative volumes; kept for a while after its death. */
import { chmod, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { safePath } from './app-id.ts';

export type Sandboxes = ReturnType<typeof createSandboxes>;

/** Dead sandboxes that are kept for each app, the newest. */
const KEPT_PER_APP = 20;

export function createSandboxes(data: string) {
  const root = join(data, 'sandboxes');

  return {
    path: (taskId: string): string => join(root, taskId),

    /** Makes the folder and the ones that relative volumes name, which any user may write to. */
    create: async (taskId: string, folders: string[]): Promise<string> => {
      const path = join(root, taskId);
      await mkdir(path, { recursive: true });
      for (const folder of folders) {
        const inside = join(path, folder);
        await mkdir(inside, { recursive: true });
        await chmod(inside, 0o777);
      }
      return path;
    },

    /** Removes the oldest dead sandboxes of an app; `alive` are the task ids in use. */
    prune: async (appId: string, alive: Set<string>): Promise<void> => {
      const prefix = `${safePath(appId)}.instance-`;
      const names = (await readdir(root).catch(() => [])).filter(
        (name) => name.startsWith(prefix) && !alive.has(name),
      );
      if (names.length <= KEPT_PER_APP) return;
      const aged = await Promise.all(names.map((name) => ageOf(join(root, name))));
      aged.sort((a, b) => b.changed - a.changed);
      for (const { path } of aged.slice(KEPT_PER_APP)) {
        await rm(path, { recursive: true, force: true });
      }
    },
  };
}

async function ageOf(path: string): Promise<{ path: string; changed: number }> {
  const info = await stat(path).catch(() => undefined);
  return { path, changed: info?.mtimeMs ?? 0 };
}
