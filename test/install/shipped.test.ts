/** What is shipped to be installed by others: the Dockerfile's own choice of files, and the units. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { packageFolder } from '../../src/paths.ts';

const run = promisify(execFile);

/** Paths of this project that the Dockerfile copies into its image or into the stage that compiles. */
async function copiedByDockerfile(): Promise<string[]> {
  const text = await readFile(join(packageFolder, 'Dockerfile'), 'utf8');
  return [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths = '']) =>
    paths.split(' '),
  );
}

test('what the Dockerfile copies is enough to compile Ekiden and to run it', async () => {
  const folder = await mkdtemp(join(process.env['EKIDEN_TEST_DATA'] ?? tmpdir(), 'image-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const path of new Set(await copiedByDockerfile())) {
    await cp(join(packageFolder, path), join(folder, path), { recursive: true });
  }
  await symlink(join(packageFolder, 'node_modules'), join(folder, 'node_modules'));
  const given = { GITLAB_URL: 'https://gitlab.example.com', GITLAB_TOKEN: 'token' };
  const at = { cwd: folder, env: { PATH: process.env['PATH'], HOME: folder, ...given } };
  await run('npm', ['run', 'build'], at);

  const ekiden = async (...words: string[]) =>
    (await run(process.execPath, [join(folder, 'dist/runners/cli.js'), ...words], at)).stdout;
  const schema = await readFile(join(packageFolder, 'templates/ekiden.schema.json'), 'utf8');
  expect(JSON.parse(await ekiden('schema'))).toEqual(JSON.parse(schema));
  const { version } = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8'));
  expect(await ekiden('--version')).toBe(`${version}\n`);
  expect(await ekiden('settings')).toContain('GITLAB_URL');
}, 120_000);

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
