/** Roles by name. */
import { expect, test } from 'vitest';
import { parseRoles, roleNames } from '../../runners/role-names.ts';

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
