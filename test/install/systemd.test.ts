/** The units of systemd: what they start, and what they make of the data folder, which root and the user `ekiden` may both have. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { packageFolder } from '../../src/paths.ts';
import { fencesOf } from '../docs/markdown.ts';

const run = promisify(execFile);
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

test('the units start what is there, and systemd finds no fault in them where it is installed', async () => {
  const folder = join(packageFolder, 'templates/systemd');
  const units = (await readdir(folder)).filter((name) => name.endsWith('.service'));
  expect(units).toEqual(['ekiden.service', 'ekiden@.service']);
  for (const unit of units) {
    const text = await readFile(join(folder, unit), 'utf8');
    expect(text).toMatch(
      /^ExecStart=\/usr\/bin\/node \/opt\/ekiden\/dist\/runners\/cli\.js (up|%i)$/m,
    );
  }
  const paths = units.map((unit) => join(folder, unit.replace('@.', '@web.')));
  const found = await verify(folder, paths);
  expect(found.filter((line) => !/is not executable/.test(line))).toEqual([]);
});

/** What systemd says of the units; nothing where it is not installed. */
async function verify(folder: string, paths: string[]): Promise<string[]> {
  const env = { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` };
  const said = await run('systemd-analyze', ['verify', '--man=no', ...paths], { env }).catch(
    (error: { code?: string; stderr?: string }) => {
      if (error.code === 'ENOENT') return { stderr: '' };
      return { stderr: error.stderr ?? String(error) };
    },
  );
  return said.stderr.split('\n').filter((line) => line.includes('ekiden'));
}
