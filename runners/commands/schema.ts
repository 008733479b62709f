/** `ekiden schema`: what editors check manifests with. */
import type { Command } from 'commander';
import { print } from '../print.ts';

export function addSchema(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema of .ekiden.yml')
    .action(async () => {
      const { manifestJsonSchema } = await import('../../src/offline.ts');
      print(JSON.stringify(manifestJsonSchema(), null, 2));
    });
}
