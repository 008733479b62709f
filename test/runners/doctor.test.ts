/** `ekiden doctor` as an administrator sees it, and as a program does. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { renderFindings } from '../../runners/doctor.ts';
import { packageFolder } from '../../src/paths.ts';
import { makeFolder } from '../support/redis.ts';

test('findings are aligned, and what mends a problem stands below it', () => {
  const text = renderFindings([
    { name: 'Node.js', state: 'ok', found: '20.20.2' },
    { name: 'Docker', state: 'ok', found: '24.0.7' },
    { name: 'Docker', state: 'warn', found: 'live-restore is off', hint: 'Put it on.' },
    { name: 'GitLab token', state: 'fail', found: 'is not valid', hint: 'Make one.' },
    { name: 'Engine', state: 'skip', found: 'not running' },
  ]);
  expect(stripVTControlCharacters(text)).toBe(
    [
      '✓ Node.js       20.20.2',
      '✓ Docker        24.0.7',
      '!               live-restore is off',
      '                → Put it on.',
      '✗ GitLab token  is not valid',
      '                → Make one.',
      '– Engine        not running',
      '',
      '1 problem, 1 warning, 1 not looked at.',
    ].join('\n'),
  );
  expect(stripVTControlCharacters(renderFindings([{ name: 'a', state: 'ok', found: 'b' }]))).toBe(
    '✓ a  b\n\nAll is well.',
  );
});

test('without any setting it looks at the rest, and the exit code is 1', async () => {
  const env = {
    PATH: process.env['PATH'],
    DOCKER_HOST: 'unix:///nowhere/docker.sock',
    EKIDEN_DATA: await makeFolder(),
  };
  const cli = join(packageFolder, 'dist/runners/cli.js');
  const options = { cwd: env.EKIDEN_DATA, env, encoding: 'utf8', timeout: 25_000 } as const;
  const run = (...args: string[]) => spawnSync(process.execPath, [cli, 'doctor', ...args], options);

  const { status, stdout } = run('--json');
  const { ok, checks } = JSON.parse(stdout);
  expect({ status, ok }).toEqual({ status: 1, ok: false });
  expect(checks).toContainEqual({
    ...{ name: 'Settings', state: 'fail' },
    found: 'GITLAB_URL: is not set. Address of your GitLab.',
  });
  expect(checks).toContainEqual(expect.objectContaining({ name: 'Docker', state: 'fail' }));
  expect(checks).toContainEqual({ name: 'Node.js', state: 'ok', found: process.versions.node });

  const text = run();
  expect(text.status).toBe(1);
  expect(text.stdout).toContain('✗ Docker ');
  expect(text.stdout).not.toContain('\u001b');
});
