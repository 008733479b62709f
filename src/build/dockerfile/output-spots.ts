/** Places in an expanded Dockerfile, as diagnostics name them: by the file and line in which they were written. */

import type { SourceRun } from '../../core/build.ts';
import type { Spot } from './diagnostic.ts';
import { originOf } from './source-map.ts';
import type { Span } from './statement.ts';

/** A stretch of the output; undefined where the map does not reach. */
export function spotInOutput(
  text: string,
  map: readonly SourceRun[],
  { line, from, to }: Span,
): Spot | undefined {
  const origin = originOf(map, line);
  if (!origin) return undefined;
  const start = text.lastIndexOf('\n', from - 1) + 1;
  const lineFeed = text.indexOf('\n', from);
  const end = lineFeed === -1 ? text.length : lineFeed;
  // The line above is shown as well where it was written above.
  const above = originOf(map, line - 1);
  const isAbove = above?.file === origin.file && above.line === origin.line - 1;
  const top = isAbove ? text.lastIndexOf('\n', start - 2) + 1 : start;
  const { file, via } = origin;
  return {
    file,
    line: origin.line,
    via,
    text: text.slice(top, end),
    from: from - top,
    to: to - top,
  };
}
