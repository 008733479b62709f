/** Words the steps of a build for people. */
import type { BuildStep } from '../../core/build-step.ts';
import { showSpan } from '../../core/span.ts';

/** The time of day in UTC, such as `07:10:03`. */
export function clockTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(11, 19);
}

const words: Record<BuildStep['state'], string> = {
  running: 'not ended',
  hit: 'cached',
  miss: 'run',
  failed: 'failed',
  canceled: 'canceled',
};

/** Characters of a title in the table that a reason stands behind. */
const widestTitle = 48;

/** One line a step: what it came to, how long it took, what it is, and why it was not in the cache. */
export function stepTable(steps: readonly BuildStep[]): string {
  const rows = steps.map(({ title, state, start, end, why }, index) => [
    `#${index + 1}`,
    words[state],
    state === 'hit' || end === undefined ? '' : showSpan(end - start),
    why === undefined ? cut(title, 2 * widestTitle) : cut(title, widestTitle),
    why ?? '',
  ]);
  // A long title without a reason would push the reasons of others over the edge.
  const titled = rows.filter((row) => row[4] !== '');
  const widths = [rows, rows, rows, titled].map((seen, column) =>
    Math.max(0, ...seen.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
