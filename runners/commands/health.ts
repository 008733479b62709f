/** `ekiden health`: for those who start and watch processes, such as Docker. */
import { Argument, type Command } from 'commander';
import { readConfig } from '../../src/config.ts';
import { localUrlOf } from '../../src/core/address.ts';
import { messageOf, RemoteError } from '../../src/core/errors.ts';
import { print } from '../print.ts';
import { engineName, roleNames } from '../role-names.ts';

const patience = 3_000;

/** For health checks of containers and units, which read the exit code alone. */
export function addHealth(program: Command): void {
  program
    .command('health')
    .description('say whether a role on this machine is well; exit code 0 or 1')
    .addArgument(new Argument('<role>', 'which role').choices([...roleNames, engineName]))
    .action(async (role: string) => {
      const fault = await lookAt(role);
      if (fault !== undefined) {
        throw new RemoteError(fault, { code: 'E_UNWELL', hint: 'Its log says more.' });
      }
      print(`${role} is well`);
    });
}

/** Who listens is asked; of the others their own last word is read. */
async function lookAt(role: string): Promise<string | undefined> {
  if (role === 'web') return faultAt(role, readConfig(['listen']).listen, '/healthz');
  if (role === 'engine') return faultAt(role, readConfig(['engineListen']).engineListen, '/ping');
  const { faultOf } = await import('../health.ts');
  return faultOf(readConfig(['data']).data, role);
}

async function faultAt(role: string, listen: string, path: string): Promise<string | undefined> {
  const url = `${localUrlOf(listen)}${path}`;
  try {
    const { ok, status } = await fetch(url, { signal: AbortSignal.timeout(patience) });
    // An engine with credentials is well when it asks for them.
    const guards = role === 'engine' && status === 401;
    return ok || guards ? undefined : `${role} answers ${status} at ${url}.`;
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    return `${role} does not answer at ${url}: ${messageOf(cause ?? error)}.`;
  }
}
