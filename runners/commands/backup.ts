/** `ekiden backup` and `ekiden restore`: the data folder as one file. */
import type { Command } from 'commander';
import { readConfig } from '../../src/config.ts';
import { SetupError } from '../../src/core/errors.ts';
import { print } from '../print.ts';

export function addBackup(program: Command): void {
  program
    .command('backup <file>')
    .description('write what Ekiden keeps in its data folder into a tar file, also while it runs')
    .action(async (file: string) => {
      const { data } = readConfig(['data']);
      const { backUp } = await import('../../src/embedded/backup.ts');
      const folders = await untilSignal((abandon) => backUp({ data, file, abandon }));
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

/** Gives the backup up at SIGINT or SIGTERM, so that it tidies up before the process ends. */
async function untilSignal<T>(work: (abandon: AbortSignal) => Promise<T>): Promise<T> {
  const stopping = new AbortController();
  const onSignal = () => stopping.abort();
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return await work(stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    throw new SetupError('The backup was given up.', { code: 'E_BACKUP' });
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
