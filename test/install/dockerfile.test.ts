/** The Dockerfile's own choice of files, without the images that it is made on. */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
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
