/** `ekiden backup` and `ekiden restore`: the data folder as one file. */
import type { Command } from 'commander';
import { readConfig } from '../../src/config.ts';
import { print } from '../print.ts';

export function addBackup(program: Command): void {
  program
    .command('backup <file>')
    .description('write what Ekiden keeps in its data folder into a tar file, also while it runs')
    .action(async (file: string) => {
      const { data } = readConfig(['data']);
      const { backUp } = await import('../../src/embedded/backup.ts');
      const folders = await backUp({ data, file });
      print(`${file} has ${folders.join(', ')} of ${data}`);
      if (!folders.includes('redis')) print('Redis is not in it: back it up where it runs.');
      if (!folders.includes('registry/data')) print('Images are not in it: back up the registry.');
    });
  program
    .command('restore <file>')
    .description('fill an empty data folder from a backup')
    .action(async (file: string) => {
      const { data } = readConfig(['data']);
      const { restore } = await import('../../src/embedded/backup.ts');
      await restore({ data, file });
      print(`${data} is filled from ${file}`);
    });
}
