/** The names of the roles, apart from what they do, which takes long to load. */
import { SetupError } from '../src/core/errors.ts';

/**
 * In the order in which they start. Balance is the last: nginx goes on when a start fails, so it is
 * started when nothing else can fail.
 */
export const roleNames = ['web', 'build', 'deploy', 'watch', 'node', 'balance'] as const;

export type RoleName = (typeof roleNames)[number];

/** Runs beside the roles, and not in `ekiden up`, which makes it a process of its own. */
export const engineName = 'engine';

/** Answers each role once, in order. @throws SetupError that lists the roles when a name is none. */
export function parseRoles(names: string[]): RoleName[] {
  const unknown = names.find((name) => !roleNames.some((role) => role === name));
  if (unknown === undefined) return roleNames.filter((role) => names.includes(role));
  throw new SetupError(`${unknown} is neither a command nor a role.`, {
    code: 'E_ROLE',
    hint: `Roles are ${[...roleNames, engineName].join(', ')}; ekiden --help lists the commands.`,
  });
}
