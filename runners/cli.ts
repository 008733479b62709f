#!/usr/bin/env node
/** The command line of Ekiden. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { readConfig } from '../src/config.ts';
import { EkidenError, messageOf } from '../src/core/errors.ts';
import { packageFolder } from '../src/paths.ts';
import { roleNames } from './role-names.ts';
import { serve } from './serve.ts';

/** What the engine alone has in common with `ekiden up`, where no setting is read. */
const defaults = readConfig(['dockerHost', 'install', 'engineImage', 'drain'], {});

const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));

const program = new Command('ekiden')
  .description('Carries a git push on your own GitLab to a running, reachable app.')
  .version(version)
  .argument('[roles...]', `roles to run in this process: ${roleNames.join(', ')}`)
  .action(async (names: string[]) => {
    if (names.length === 0) return program.help();
    const { startNamedRoles } = await import('./named-roles.ts');
    await serve((abandon) => startNamedRoles(names, abandon));
  });

program
  .command('up')
  .description(
    'run everything on this machine, with private parts where no settings name real ones',
  )
  .action(async () => {
    const { startUp } = await import('./up.ts');
    await serve(async (abandon) => {
      const up = await startUp({ cli: fileURLToPath(import.meta.url), abandon });
      const { url, nginxListen, domain, marathonUrl, registryUrl } = up.config;
      print(`Ekiden is up at ${url}`);
      print(`  hooks     ${url}/hooks/gitlab`);
      print(`  apps      http://<project>.${domain}:${nginxListen.split(':').at(-1)}`);
      print(`  marathon  ${marathonUrl.map(withoutCredentials).join(', ')}`);
      print(`  registry  ${registryUrl}`);
      return up;
    });
  });

program
  .command('engine')
  .description('run the Marathon-compatible engine over one Docker host')
  .option('--listen <host:port>', 'where it listens', '127.0.0.1:8080')
  .option('--data <folder>', 'where it keeps its state and sandboxes', './engine')
  .option('--docker <host>', 'Docker daemon', defaults.dockerHost)
  .option('--install <id>', 'marks what it makes in Docker', defaults.install)
  .option('--image <image>', 'for apps that name none', defaults.engineImage)
  .option(
    '--drain <seconds>',
    'how long an instance serves on before it is killed',
    Number,
    defaults.drain,
  )
  .action(async ({ drain, ...options }) => {
    const { startEngine } = await import('./engine.ts');
    const { createLog } = await import('../src/log.ts');
    const log = createLog(readConfig(['logLevel']).logLevel, 'engine');
    await serve(async () => {
      const engine = await startEngine({ ...options, drainSeconds: drain, log });
      print(`engine at ${engine.url}`);
      return engine;
    });
  });

program
  .command('expand <file>')
  .description('print a Dockerfile with every INCLUDE spliced in')
  .option('--map', 'print JSON that tells which line came from where')
  .option('--root <folder>', 'top of the repository; default: the git top level of the file')
  .action(async (file: string, options: { map?: true; root?: string }) => {
    const { expand, explain } = await import('../src/offline.ts');
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

program
  .command('schema')
  .description('print the JSON Schema of .ekiden.yml')
  .action(async () => {
    const { manifestJsonSchema } = await import('../src/offline.ts');
    print(JSON.stringify(manifestJsonSchema(), null, 2));
  });

function withoutCredentials(address: string): string {
  const url = new URL(address);
  Object.assign(url, { username: '', password: '' });
  return url.href.replace(/\/$/, '');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

program.parseAsync().catch((error: unknown) => {
  const hint = error instanceof EkidenError && error.hint ? `\n${error.hint}` : '';
  process.stderr.write(`ekiden: ${textOf(error)}${hint}\n`);
  process.exit(1);
});

/** Whoever gets a fault of Ekiden's own needs to know where it is; of others, what it is. */
function textOf(error: unknown): string {
  if (error instanceof EkidenError || !(error instanceof Error)) return messageOf(error);
  return 'syscall' in error ? error.message : (error.stack ?? error.message);
}
