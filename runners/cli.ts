#!/usr/bin/env node
/** The command line of Ekiden. */
import { Command } from 'commander';
import { EkidenError, messageOf } from '../src/core/errors.ts';
import { packageVersion } from '../src/paths.ts';
import { commands } from './commands/index.ts';
import { engineName, roleNames } from './role-names.ts';
import { serve } from './serve.ts';

const program = new Command('ekiden')
  .description('Carries a git push on your own GitLab to a running, reachable app.')
  .version(packageVersion)
  .argument('[roles...]', `roles to run in this process: ${[...roleNames, engineName].join(', ')}`)
  .action(async (names: string[]) => (names.length === 0 ? program.help() : runRoles(names)));
for (const add of commands) add(program);

const words = process.argv.slice(2);
const isRole = (word: string) => [...roleNames, engineName].some((name) => name === word);
// `deploy` is a command as well, but of a project, and no project has the name of a role alone;
// the engine alone is a command with options of its own.
const areRoles = words.length > 0 && words.every(isRole) && words.join() !== engineName;

(areRoles ? runRoles(words) : program.parseAsync()).catch((error: unknown) => {
  const hint = error instanceof EkidenError && error.hint ? `\n${error.hint}` : '';
  process.stderr.write(`ekiden: ${textOf(error)}${hint}\n`);
  process.exit(1);
});

async function runRoles(names: string[]): Promise<void> {
  const { startNamedRoles } = await import('./named-roles.ts');
  await serve((abandon) => startNamedRoles(names, abandon));
}

/** Whoever gets a fault of Ekiden's own needs to know where it is; of others, what it is. */
function textOf(error: unknown): string {
  if (error instanceof EkidenError || !(error instanceof Error)) return messageOf(error);
  return 'syscall' in error ? error.message : (error.stack ?? error.message);
}
