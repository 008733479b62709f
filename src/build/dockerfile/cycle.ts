/** A file must not include itself, however long the way. */

import { includeError, type Spot } from './diagnostic.ts';
import type { Origin } from './source-map.ts';

/** Throws IncludeError where the file is one of those whose INCLUDE lines led to it, whatever its inputs. */
export function refuseCycle(id: string, chain: readonly Origin[], spot: Spot): void {
  const start = chain.findIndex(({ file }) => file === id);
  if (start === -1) return;
  const files = [...chain.slice(start).map(({ file }) => file), id];
  const problem = {
    code: 'E_CYCLE',
    message: `${id} includes itself: ${files.join(' → ')}`,
    hint: 'Remove one of these INCLUDE lines.',
  };
  throw includeError(problem, spot);
}
