/** Roles by name. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parseRoles, roleNames } from '../../runners/role-names.ts';
import { packageFolder } from '../../src/paths.ts';

const run = promisify(execFile);

test.each([
  [['web'], ['web']],
  [
    ['balance', 'web'],
    ['web', 'balance'],
  ],
  [
    ['build', 'build', 'watch'],
    ['build', 'watch'],
  ],
  [[...roleNames], ['web', 'build', 'deploy', 'watch', 'node', 'balance']],
])('%j are the roles %j', (names, roles) => {
  expect(parseRoles(names)).toEqual(roles);
});

test.each([[['toString']], [['web', 'constructor']], [['__proto__']], [['Web']], [['']]])(
  '%j are refused with the list of roles',
  (names) => {
    const unknown = names.at(-1);
    expect(() => parseRoles(names)).toThrow(`${unknown} is neither a command nor a role.`);
    expect(() => parseRoles(names)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining(roleNames.join(', ')) }),
    );
  },
);

test('a role that shares its name with a command is started where no project is named', async () => {
  const cli = join(packageFolder, 'dist/runners/cli.js');
  const env = { PATH: process.env['PATH'] };
  const { stderr } = await run(process.execPath, [cli, 'deploy'], { env }).catch(
    (error: { stderr: string }) => error,
  );
  expect(stderr).toContain('GITLAB_URL');
});
