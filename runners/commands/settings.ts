/** `ekiden settings`: what holds, and why. */
import type { Command } from 'commander';

export function addSettings(program: Command): void {
  program
    .command('settings')
    .description('print every setting with its value and where that comes from')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const { showSettings } = await import('../settings.ts');
      process.exitCode = showSettings(options);
    });
}
