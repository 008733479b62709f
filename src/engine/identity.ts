/** Which engine answers: told in `/v2/info`, so that another on its port is not taken for it. */
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * The same for each process that serves this install from this folder, by whatever links that was
 * named, and for no other.
 */
export function frameworkIdOf({ install, data }: { install: string; data: string }): string {
  const hash = createHash('sha256')
    .update(`${install} ${placeOf(resolve(data))}`)
    .digest('hex');
  return `ekiden-engine-${hash.slice(0, 16)}`;
}

/** Without links; a folder that is not there yet will be made in the place of its parent. */
function placeOf(path: string): string {
  const parent = dirname(path);
  try {
    return realpathSync(path);
  } catch {
    return parent === path ? path : join(placeOf(parent), basename(path));
  }
}
