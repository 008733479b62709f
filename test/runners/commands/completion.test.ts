/** What shells are told of commands and options. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { commands } from '../../../runners/commands/index.ts';
import { engineName, roleNames } from '../../../runners/role-names.ts';
import { runCommand } from './terminal.ts';

const nowhere = { url: 'http://127.0.0.1:1', token: 'none' };
const ask = async (...words: string[]) => {
  const { out } = await runCommand(nowhere, ['complete', '--', ...words]);
  return out
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(':'))
    .map((line) => line.split('\t')[0]);
};

test('commands are completed', async () => {
  expect(await ask('s')).toEqual(expect.arrayContaining(['status', 'scale', 'settings', 'schema']));
  expect(await ask('dep')).toEqual(['deploy']);
  expect((await ask('')).length).toBeGreaterThanOrEqual(commands.length - 2);
});

test('completion is offered, and not what the shell asks at each press of the key', async () => {
  expect(await ask('comp')).toEqual(['completion']);
  expect(await ask('completion', '')).toEqual(['bash', 'zsh', 'fish']);
});

test('roles are completed where one is meant', async () => {
  expect(await ask('health', '')).toEqual([...roleNames, engineName]);
  expect(await ask('health', 'b')).toEqual(['build', 'balance']);
  expect(await ask('w')).toEqual(['why', 'web', 'watch']);
  expect(await ask('web', 'b')).toEqual(['build', 'balance']);
});

test('options are completed, once a command is there', async () => {
  expect(await ask('deploy', 'shop/front', '--w')).toEqual(['--wait']);
  expect(await ask('logs', '--f')).toEqual(['--file', '--files', '--follow']);
  expect(await ask('status', 'shop/front', '--wait')).toEqual([]);
});

test.each(['bash', 'zsh', 'fish'])('%s is told how to ask', async (shell) => {
  const { out, code } = await runCommand(nowhere, ['completion', shell]);
  expect(code).toBe(0);
  expect(out).toContain('ekiden complete --');
});

test('bash takes it', async () => {
  const { out } = await runCommand(nowhere, ['completion', 'bash']);
  const run = promisify(execFile);
  const script = `${out}\ncomplete -p ekiden`;
  expect((await run('bash', ['-c', script])).stdout).toMatch(/complete .*-F \S+ ekiden/);
});

test('another shell is refused with those that there are', async () => {
  const { code, err } = await runCommand(nowhere, ['completion', 'csh']);
  expect([code, err]).toEqual([1, expect.stringContaining('bash, zsh, fish')]);
});
