/** README's table of settings says what src/config.ts says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type SettingName, settings } from '../../src/config.ts';
import { packageFolder } from '../../src/paths.ts';

/** Defaults that depend on the user who starts Ekiden. */
const wordedDefaults: Partial<Record<SettingName, string>> = {
  data: '`/var/lib/ekiden`; not as root: `~/.local/share/ekiden`',
};

function defaultOf(name: SettingName): string {
  const worded = wordedDefaults[name];
  if (worded !== undefined) return worded;
  const parsed = settings[name].type.safeParse(undefined);
  if (!parsed.success) return '*required*';
  const { data } = parsed;
  if (Array.isArray(data)) return `\`${data.join(',')}\``;
  return typeof data === 'string' || typeof data === 'number' ? `\`${data}\`` : '';
}

function rowOf(name: SettingName): string {
  const { env, help } = settings[name];
  return `| \`${env}\` | ${defaultOf(name)} | ${help} |`.replace('|  |', '| |');
}

test('README lists every setting with its default and its help, in the order of src/config.ts', () => {
  const readme = readFileSync(join(packageFolder, 'README.md'), 'utf8');
  const section = readme.split(/^## /m).find((part) => part.startsWith('Settings\n')) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));

  expect(rows).toEqual((Object.keys(settings) as SettingName[]).map(rowOf));
});
