#!/usr/bin/env node
/** The command line of Ekiden. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { EkidenError, messageOf } from '../src/core/errors.ts';
import { packageFolder } from '../src/paths.ts';
import type { Runner } from './runner.ts';

const { version } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));

const program = new Command('ekiden')
  .description('Carries a git push on your own GitLab to a running, reachable app.')
  .version(version)
  .argument('[roles...]', 'roles to run in this process: web, build, deploy, watch, balance')
  .action(async (names: string[]) => {
    if (names.length === 0) return program.help();
    const { startNamedRoles } = await import('./named-roles.ts');
    await serve(() => startNamedRoles(names));
  });

program
  .command('up')
  .description(
    'run everything on this machine, with private parts where no settings name real ones',
  )
  .action(async () => {
    const { startUp } = await import('./up.ts');
    await serve(async () => {
      const up = await startUp(fileURLToPath(import.meta.url));
      const { url, nginxListen, domain, marathonUrl, registryUrl } = up.config;
      print(`Ekiden is up at ${url}`);
      print(`  hooks     ${url}/hooks/gitlab`);
      print(`  apps      http://<project>.${domain}:${nginxListen.split(':').at(-1)}`);
      print(`  marathon  ${marathonUrl.join(', ')}`);
      print(`  registry  ${registryUrl}`);
      return up;
    });
  });

program
  .command('engine')
  .description('run the Marathon-compatible engine over one Docker host')
  .option('--listen <host:port>', 'where it listens', '127.0.0.1:8080')
  .option('--data <folder>', 'where it keeps its state and sandboxes', './engine')
  .option('--docker <host>', 'Docker daemon', 'unix:///var/run/docker.sock')
  .option('--install <id>', 'marks what it makes in Docker', 'ekiden')
  .option('--image <image>', 'for apps that name none', 'busybox:1.36')
  .option('--drain <seconds>', 'how long an instance serves on before it is killed', Number, 5)
  .action(async ({ drain, ...options }) => {
    const { startEngine } = await import('./engine.ts');
    const { createLog } = await import('../src/log.ts');
    const { readConfig } = await import('../src/config.ts');
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

/** Runs until SIGTERM or SIGINT; a second signal ends at once. */
async function serve(start: () => Promise<Runner>): Promise<void> {
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  const runner = await start();
  await stopped;
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => process.exit(1));
  await runner.stop();
  process.exit(0);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

program.parseAsync().catch((error: unknown) => {
  const hint = error instanceof EkidenError && error.hint ? `\n${error.hint}` : '';
  const text =
    error instanceof EkidenError
      ? error.message
      : String((error as Error)?.stack ?? messageOf(error));
  process.stderr.write(`ekiden: ${text}${hint}\n`);
  process.exit(1);
});
