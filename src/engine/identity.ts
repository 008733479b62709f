/** Which engine answers: told in `/v2/info`, so that another on its port is not taken for it. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';

/** The same for each process that serves this install from this folder, and for no other. */
export function frameworkIdOf({ install, data }: { install: string; data: string }): string {
  const hash = createHash('sha256')
    .update(`${install} ${resolve(data)}`)
    .digest('hex');
  return `ekiden-engine-${hash.slice(0, 16)}`;
}
