/** `ekiden engine`: the embedded engine alone. */
import type { Command } from 'commander';
import { defaultOf, readConfig, settings } from '../../src/config.ts';
import { InputError } from '../../src/core/errors.ts';
import { print } from '../print.ts';
import { serve } from '../serve.ts';

export function addEngine(program: Command): void {
  program
    .command('engine')
    .description('run the Marathon-compatible engine over one Docker host')
    .option('--listen <host:port>', `where it listens; default: ${settings.engineListen.env}`)
    .option('--data <folder>', 'where it keeps its state and sandboxes', './engine')
    .option('--docker <host>', 'Docker daemon', defaultOf('dockerHost'))
    .option('--install <id>', 'marks what it makes in Docker', defaultOf('install'))
    .option('--image <image>', 'for apps that name none', defaultOf('engineImage'))
    .option(
      '--drain <seconds>',
      'how long an instance serves on before it is killed',
      secondsOf,
      defaultOf('drain'),
    )
    .action(async ({ drain, listen, ...options }) => {
      const { startEngine } = await import('../engine.ts');
      const { createLog } = await import('../../src/log.ts');
      const { logLevel, engineListen } = readConfig(['logLevel', 'engineListen']);
      const log = createLog(logLevel, 'engine');
      await serve(async () => {
        const engine = await startEngine({
          ...options,
          listen: listen ?? engineListen,
          drainSeconds: drain,
          log,
        });
        print(`engine at ${engine.url}`);
        return engine;
      });
    });
}

/** As the setting has it. @throws InputError */
function secondsOf(text: string): number {
  const { data, error } = settings.drain.type.safeParse(text);
  if (data !== undefined) return data;
  const [issue] = error?.issues ?? [];
  throw new InputError(`--drain ${issue?.message}: ${text}.`, { code: 'E_USAGE' });
}
