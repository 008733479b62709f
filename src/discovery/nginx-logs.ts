/** Keeps nginx's log files from filling the disk. */
import { copyFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';

const longest = 64 * 1024 * 1024;

/**
 * Keeps a copy of a log that has grown too long and empties it. nginx appends, so it goes on at the
 * start; to have it open a new file, its workers would need rights in the data folder.
 */
export async function boundLogs(folder: string): Promise<void> {
  for (const name of ['access.log', 'error.log']) {
    const path = join(folder, name);
    const size = (await stat(path).catch(() => undefined))?.size ?? 0;
    if (size <= longest) continue;
    await copyFile(path, `${path}.1`);
    await truncate(path);
  }
}
