/** `ekiden expand`: a Dockerfile as the build sees it. */
import { type Command, InvalidArgumentError } from 'commander';
import { printBytes } from '../print.ts';

interface Options {
  map?: true;
  root?: string;
  arg?: Record<string, string>;
}

export function addExpand(program: Command): void {
  program
    .command('expand <file>')
    .description('print a Dockerfile with every INCLUDE spliced in')
    .option('--map', 'print JSON that tells which line came from where')
    .option('--root <folder>', 'top of the repository; default: the git top level of the file')
    .option('--arg <name=value>', 'build arg that an INCLUDE may name; several times', addArg)
    .action(async (file: string, { arg = {}, ...options }: Options) => {
      const { expand, explain } = await import('../../src/offline.ts');
      try {
        const { bytes, warnings } = await expand({ file, args: arg, ...options });
        for (const warning of warnings) process.stderr.write(`${warning}\n`);
        await printBytes(bytes);
      } catch (error) {
        const text = explain(error);
        if (text === undefined) throw error;
        process.stderr.write(`${text}\n`);
        process.exitCode = 1;
      }
    });
}

function addArg(text: string, args: Record<string, string> = {}): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('It is written NAME=VALUE.');
  return { ...args, [text.slice(0, at)]: text.slice(at + 1) };
}
