/** What all commands that ask Ekiden's API have in common. */
import type { Command } from 'commander';
import { InputError } from '../../src/core/errors.ts';
import type { EkidenApi } from '../../src/remote.ts';
import { print } from '../print.ts';

export interface RemoteCommand<Options> {
  /** As commander has it, such as `scale <project> <instances>`. */
  usage: string;
  description: string;
  options?: RemoteOption[];
  /** Answers the exit code, by default 0. */
  run(api: EkidenApi, args: string[], options: Options): Promise<number | undefined>;
}

/** Flags and what they mean; what cannot be read is refused before anything is asked. */
export type RemoteOption = [
  flags: string,
  description: string,
  fallback?: string | number | undefined,
  read?: (text: string) => unknown,
];

export const jsonOption: RemoteOption = ['--json', "print the API's answer as JSON"];
export const waitOptions: RemoteOption[] = [
  ['--wait', 'wait for the end; exit code 1 when it is none that was wanted'],
  countOption('--timeout <seconds>', 'how long to wait at most', 900),
];

const where = `
EKIDEN_URL says where Ekiden is (default: on this machine), EKIDEN_TOKEN as whom it is asked: an access
token of GitLab. A project is named by its path, such as group/name, or by its id in GitLab.`;

export function addRemote<Options>(program: Command, declared: RemoteCommand<Options>): void {
  const command = program.command(declared.usage).description(declared.description);
  for (const [flags, description, fallback, read] of declared.options ?? []) {
    const option = command.createOption(flags, description).default(fallback);
    // A flag without a value is true, or false by --no-…; whatever reads a value would change that.
    command.addOption(read === undefined ? option : option.argParser(read));
  }
  command.addHelpText('after', where).action(async (...given: unknown[]) => {
    endWithReader();
    const { connectEkiden } = await import('../../src/remote.ts');
    const args = given.slice(0, command.registeredArguments.length) as string[];
    process.exitCode = (await declared.run(connectEkiden(), args, command.opts() as Options)) ?? 0;
  });
}

/** Whoever pipes into `head` wants no more than its first lines. */
function endWithReader(): void {
  if (process.stdout.listenerCount('error') > 0) return;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}

export function printJson(answer: unknown): void {
  print(JSON.stringify(answer, null, 2));
}

/** An option that is a whole number from 1 on. */
export function countOption(flags: string, description: string, fallback?: number): RemoteOption {
  const [name = flags] = flags.split(' ');
  return [flags, description, fallback, (text) => wholeNumber(text, name, 1)];
}

/** Reads a number that was typed. @throws InputError */
export function wholeNumber(text: string, what: string, least = 0): number {
  const number = Number(text);
  if (/^\d{1,9}$/.test(text) && number >= least) return number;
  throw new InputError(`${what} is to be a whole number from ${least} on, and not ${text}.`, {
    code: 'E_USAGE',
  });
}
