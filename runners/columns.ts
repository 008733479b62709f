/** Aligns rows of text in columns, as tools of the command line do. */
import Table from 'cli-table3';

const nothing = '';
const sides = ['top', 'bottom', 'left', 'right', 'mid'] as const;
const borders = Object.fromEntries(
  ['', '-mid', '-left', '-right'].flatMap((part) =>
    sides.map((side) => [`${side}${part}`, nothing]),
  ),
);

/** One line a row, two blanks between columns; colours do not count as width. */
export function alignColumns(rows: string[][]): string {
  const table = new Table({
    chars: { ...borders, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  table.push(...rows);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
