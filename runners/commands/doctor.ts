/** `ekiden doctor`: what is there, what is missing, and what mends it. */
import type { Command } from 'commander';

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('look at everything that Ekiden needs, and say what mends what is wrong')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const { showDiagnosis } = await import('../doctor.ts');
      // A part that hangs may keep a connection open, which nobody wants to wait for.
      process.exit(await showDiagnosis(options));
    });
}
