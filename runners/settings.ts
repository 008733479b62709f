/** Shows the settings, where each comes from, and what is wrong with them. */
import { readSettings } from '../src/config.ts';
import { settingsTable } from '../src/config-table.ts';
import { alignColumns } from './columns.ts';
import { print } from './print.ts';

/** Prints the table; answers the exit code, 1 when something is wrong. */
export function showSettings({ json = false }: { json?: boolean }): number {
  const reading = readSettings();
  const { problems, warnings } = reading;
  const settings = settingsTable(reading);
  if (json) {
    print(JSON.stringify({ ok: problems.length === 0, settings, problems, warnings }, null, 2));
  } else {
    const rows = settings.map(({ name, env, value, source }) => [name, env, value, source]);
    print(alignColumns([['NAME', 'VARIABLE', 'VALUE', 'SOURCE'], ...rows]));
    for (const text of [...problems, ...warnings]) process.stderr.write(`${text}\n`);
  }
  return problems.length === 0 ? 0 : 1;
}
