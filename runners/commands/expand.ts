/** `ekiden expand`: a Dockerfile as the build sees it. */
import type { Command } from 'commander';

export function addExpand(program: Command): void {
  program
    .command('expand <file>')
    .description('print a Dockerfile with every INCLUDE spliced in')
    .option('--map', 'print JSON that tells which line came from where')
    .option('--root <folder>', 'top of the repository; default: the git top level of the file')
    .action(async (file: string, options: { map?: true; root?: string }) => {
      const { expand, explain } = await import('../../src/offline.ts');
      try {
        const { bytes, warnings } = await expand({ file, ...options });
        process.stdout.write(bytes);
        for (const warning of warnings) process.stderr.write(`${warning}\n`);
      } catch (error) {
        const text = explain(error);
        if (text === undefined) throw error;
        process.stderr.write(`${text}\n`);
        process.exitCode = 1;
      }
    });
}
