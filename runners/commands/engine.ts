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
    .option('--install <id>', 'marks what it makes', read('install'), defaultOf('install'))
    .option('--image <image>', 'for apps that name none', defaultOf('engineImage'))
    .option(
      '--credentials-file <file>',
      `lets in only who has its user:password; default: ${settings.engineCredentials.env}`,
    )
    .option('--docker-config <file>', 'config.json of Docker with logins for registries')
    .option(
      '--drain <seconds>',
      'how long an instance serves on before it is killed',
      read('drain'),
      defaultOf('drain'),
    )
    .option('--cpus <number>', 'for all instances together', read('engineCpus'))
    .option('--mem <MiB>', 'for all instances together', read('engineMem'))
    .option('--attributes <name:value;…>', 'of this node', defaultOf('engineAttributes'))
    .action(async ({ drain, listen, credentialsFile, ...options }) => {
      const { readCredentials, startEngine } = await import('../engine.ts');
      const { createLog } = await import('../../src/log.ts');
      const names = ['logLevel', 'engineListen', 'engineCredentials'] as const;
      const { logLevel, engineListen, engineCredentials } = readConfig(names);
      const file = credentialsFile ?? engineCredentials?.file;
      const log = createLog(logLevel, 'engine');
      await serve(async () => {
        const engine = await startEngine({
          ...options,
          ...(file && { credentials: await readCredentials(file) }),
          listen: listen ?? engineListen,
          drainSeconds: drain,
          log,
        });
        print(`engine at ${engine.url}`);
        return engine;
      });
    });
}

const readOptions = {
  drain: '--drain',
  engineCpus: '--cpus',
  engineMem: '--mem',
  install: '--install',
} as const;

/** Reads an option as the setting has it. @throws InputError */
function read(name: keyof typeof readOptions) {
  return (text: string): number | string | undefined => {
    const { data, error } = settings[name].type.safeParse(text);
    if (!error) return data;
    const [issue] = error.issues;
    throw new InputError(`${readOptions[name]} ${issue?.message}: ${text}.`, { code: 'E_USAGE' });
  };
}
