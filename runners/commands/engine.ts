/** `ekiden engine`: the embedded engine alone. */
import type { Command } from 'commander';
import { defaultOf, readConfig } from '../../src/config.ts';
import { print } from '../print.ts';
import { serve } from '../serve.ts';

export function addEngine(program: Command): void {
  program
    .command('engine')
    .description('run the Marathon-compatible engine over one Docker host')
    .option('--listen <host:port>', 'where it listens', '127.0.0.1:8080')
    .option('--data <folder>', 'where it keeps its state and sandboxes', './engine')
    .option('--docker <host>', 'Docker daemon', defaultOf('dockerHost'))
    .option('--install <id>', 'marks what it makes in Docker', defaultOf('install'))
    .option('--image <image>', 'for apps that name none', defaultOf('engineImage'))
    .option(
      '--drain <seconds>',
      'how long an instance serves on before it is killed',
      Number,
      defaultOf('drain'),
    )
    .action(async ({ drain, ...options }) => {
      const { startEngine } = await import('../engine.ts');
      const { createLog } = await import('../../src/log.ts');
      const log = createLog(readConfig(['logLevel']).logLevel, 'engine');
      await serve(async () => {
        const engine = await startEngine({ ...options, drainSeconds: drain, log });
        print(`engine at ${engine.url}`);
        return engine;
      });
    });
}
