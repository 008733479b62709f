/** `ekiden settings` as a user runs it: a table without secrets, and an exit code. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { settings } from '../../src/config.ts';
import { packageFolder } from '../../src/paths.ts';
import { makeFolder } from '../support/redis.ts';

const cli = join(packageFolder, 'dist/runners/cli.js');

async function run(args: string[], environment: Record<string, string>, file?: string) {
  const cwd = await makeFolder();
  if (file !== undefined) writeFileSync(join(cwd, 'ekiden.config.yaml'), file, { mode: 0o644 });
  const env = { PATH: process.env['PATH'], ...environment };
  const options = { cwd, env, encoding: 'utf8', timeout: 50_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], options);
  return { status, stdout, stderr };
}

const needed = { GITLAB_URL: 'https://gitlab.test', GITLAB_TOKEN: 'glpat-secret' };

test('the table tells value and source of every setting, and no secret', async () => {
  const environment = { ...needed, REDIS_URL: 'redis://me:redis-secret@host:6379/0' };
  const file = 'hookSecret: hook-secret\nbuildArgs: {A: "1", B: "2"}\n';
  const { status, stdout, stderr } = await run(['settings'], environment, file);
  const rows = stdout.trim().split('\n');
  const rowOf = (name: string) => rows.find((row) => row.startsWith(`${name} `))?.split(/ {2,}/);

  expect(status).toBe(0);
  expect(rows).toHaveLength(Object.keys(settings).length + 1);
  expect(rowOf('NAME')).toEqual(['NAME', 'VARIABLE', 'VALUE', 'SOURCE']);
  expect(rowOf('gitlabUrl')).toEqual([
    ...['gitlabUrl', 'GITLAB_URL', 'https://gitlab.test', 'environment'],
  ]);
  expect(rowOf('gitlabToken')).toEqual([
    ...['gitlabToken', 'GITLAB_TOKEN', '[REDACTED]', 'environment'],
  ]);
  expect(rowOf('hookSecret')?.at(-1)).toBe('ekiden.config.yaml:1');
  expect(rowOf('buildArgs')).toEqual([
    ...['buildArgs', 'EKIDEN_BUILD_ARGS', 'A=1,B=2', 'ekiden.config.yaml:2'],
  ]);
  expect(rowOf('redisUrl')?.[2]).toBe('redis://me:[REDACTED]@host:6379/0');
  expect(rowOf('drain')).toEqual(['drain', 'EKIDEN_DRAIN', '5', 'default']);
  expect(stdout + stderr).not.toMatch(/glpat-secret|hook-secret|redis-secret/);
  expect(stderr).toContain('ekiden.config.yaml: holds a secret, and others can read it.');
});

test('what is wrong is listed behind the table, and the exit code is 1', async () => {
  const environment = { GITLAB_URL: 'nowhere', EKIDEN_LISTN: 'x' };
  const { status, stdout, stderr } = await run(['settings'], environment);
  expect(status).toBe(1);
  expect(stdout).toContain('gitlabUrl');
  expect(stderr.trim().split('\n')).toEqual([
    'EKIDEN_LISTN: is no setting; the nearest is EKIDEN_LISTEN.',
    expect.stringContaining('GITLAB_URL: is no address that begins with http'),
    'GITLAB_TOKEN: is not set. Token of the bot user, scope api.',
  ]);
});

test('with --json it is one object for programs', async () => {
  const { status, stdout, stderr } = await run(['settings', '--json'], needed, 'drain: x\n');
  const answer = JSON.parse(stdout);
  expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
  expect(answer).toMatchObject({
    ok: false,
    problems: [expect.stringContaining('ekiden.config.yaml:1: drain is no number.')],
    warnings: [],
  });
  expect(answer.settings[1]).toEqual({
    ...{ name: 'gitlabToken', env: 'GITLAB_TOKEN' },
    ...{ value: '[REDACTED]', source: 'environment' },
  });
});

test('other commands refuse to start with the same list', async () => {
  const { status, stderr } = await run(['up'], {}, 'gitlabURL: x\n');
  expect(status).toBe(1);
  expect(stderr).toContain(
    'ekiden.config.yaml:1: gitlabURL is no setting; the nearest is gitlabUrl.',
  );
  expect(stderr).toContain('GITLAB_TOKEN: is not set.');
});
