/** What the units of systemd make of the data folder, which root and the user `ekiden` may both have. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packageFolder } from '../../src/paths.ts';
import { fencesOf } from '../docs/markdown.ts';

const read = (path: string) => readFile(join(packageFolder, path), 'utf8');

test('a single role writes into the data folder, and leaves its owner as it is', async () => {
  const lines = (await read('templates/systemd/ekiden@.service')).split('\n');
  // With StateDirectory= systemd gives all that is in the folder to the unit's user.
  expect(lines.filter((line) => line.startsWith('StateDirectory='))).toEqual([]);
  expect(lines).toContain('ReadWritePaths=/var/lib/ekiden');
  const commands = fencesOf(await read('docs/install.md'), 'sh').map(({ text }) => text);
  const setUp = commands.find((text) => text.includes('ekiden@.service'));
  expect(setUp).toContain('install -d -o ekiden -g ekiden /var/lib/ekiden');
});
