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

/** Runs it without any setting of GitLab, and with a Docker that is not there. */
async function run({ args = [], env = {}, onTerminal = false }: Run = {}) {
  const cwd = await makeFolder();
  const options = {
    cwd,
    encoding: 'utf8',
    timeout: 28_000,
    env: {
      PATH: process.env['PATH'],
      DOCKER_HOST: 'unix:///nowhere/docker.sock',
      EKIDEN_DATA: cwd,
      ...env,
    },
  } as const;
  const cli = join(packageFolder, 'dist/runners/cli.js');
  const command = [process.execPath, cli, 'doctor', ...args];
  if (!onTerminal) return spawnSync(process.execPath, command.slice(1), options);
  return spawnSync('script', ['-qec', command.join(' '), '/dev/null'], options);
}

interface Run {
  args?: string[];
  env?: Record<string, string>;
  onTerminal?: boolean;
}

test('without any setting it looks at the rest, and the exit code is 1', async () => {
  const { status, stdout, stderr } = await run({ args: ['--json'] });
  expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
  const { ok, checks } = JSON.parse(stdout);
  expect(ok).toBe(false);
  expect(checks).toContainEqual({
    ...{ name: 'Settings', state: 'fail' },
    found: 'GITLAB_URL: is not set. Address of your GitLab.',
  });
  expect(checks).toContainEqual(expect.objectContaining({ name: 'Docker', state: 'fail' }));
  expect(checks).toContainEqual({ name: 'Node.js', state: 'ok', found: process.versions.node });
});

test('what is read by people has no colours outside of a terminal', async () => {
  // Where CI is set, libraries take a log for a terminal.
  const { status, stdout } = await run({ env: { CI: 'true', FORCE_COLOR: '1' } });
  expect(status).toBe(1);
  expect(stdout).toContain('✗ Docker ');
  expect(stdout).toBe(stripVTControlCharacters(stdout));
});

test('and has them on one, unless NO_COLOR forbids it', async () => {
  const red = '\u001b[31m✗\u001b[39m Docker';
  expect((await run({ onTerminal: true, env: { TERM: 'xterm' } })).stdout).toContain(red);
  const plain = await run({ onTerminal: true, env: { TERM: 'xterm', NO_COLOR: '1' } });
  expect(plain.stdout).toContain('✗ Docker');
});
