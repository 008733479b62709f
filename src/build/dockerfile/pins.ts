/** Fragments that a build takes exactly as an earlier one had them. */

import { createHash } from 'node:crypto';
import type { Fragment } from '../../core/build.ts';
import type { Problem } from './diagnostic.ts';

/** What is wrong where a file of that name had other bytes in the earlier build. */
export function pinProblem(
  pins: readonly Fragment[] | undefined,
  { id, bytes }: { id: string; bytes: Buffer },
): Problem | undefined {
  const pin = pins?.find(({ file }) => file === id);
  if (!pin || pin.sha256 === createHash('sha256').update(bytes).digest('hex')) return undefined;
  return {
    code: 'E_PIN',
    message: `${id} is no longer what the earlier build took: it was changed in place`,
    hint: 'Build the commit anew, with the fragments that there are now.',
  };
}
