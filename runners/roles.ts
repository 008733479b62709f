/** Starts roles by name, several in one process. */
import { SetupError } from '../src/core/errors.ts';
import type { Ekiden } from '../src/ekiden.ts';
import { startBalance } from './balance.ts';
import { startBuild } from './build.ts';
import { startDeploy } from './deploy.ts';
import type { Runner } from './runner.ts';
import { startWatch } from './watch.ts';
import { startWeb } from './web.ts';

const starters = {
  web: startWeb,
  build: startBuild,
  deploy: startDeploy,
  watch: startWatch,
  balance: startBalance,
} as const;

export type RoleName = keyof typeof starters;

/** @throws SetupError that lists the roles when a name is none. */
export function parseRoles(names: string[]): RoleName[] {
  const unknown = names.find((name) => !(name in starters));
  if (unknown === undefined) return [...new Set(names)] as RoleName[];
  throw new SetupError(`${unknown} is neither a command nor a role.`, {
    code: 'E_ROLE',
    hint: `Roles are ${Object.keys(starters).join(', ')}; ekiden --help lists the commands.`,
  });
}

/** Starts all or none. */
export async function startRoles(ekiden: Ekiden, names: RoleName[]): Promise<Runner> {
  const started = await Promise.allSettled(names.map((name) => starters[name](ekiden)));
  const running = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const stop = async () => {
    await Promise.all(running.map((runner) => runner.stop()));
  };
  const failure = started.find((each) => each.status === 'rejected');
  if (failure) {
    await stop();
    throw failure.reason;
  }
  return { stop };
}
