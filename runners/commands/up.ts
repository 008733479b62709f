/** `ekiden up`: everything on this machine. */
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { withoutUser } from '../../src/config.ts';
import { addressOf } from '../../src/core/address.ts';
import { print } from '../print.ts';
import { serve } from '../serve.ts';

/** The compiled command line, with which processes of their own are started. */
const cli = fileURLToPath(new URL('../cli.js', import.meta.url));

export function addUp(program: Command): void {
  program
    .command('up')
    .description(
      'run everything on this machine, with private parts where no settings name real ones',
    )
    .action(async () => {
      const { startUp } = await import('../up.ts');
      await serve(async (abandon) => {
        const up = await startUp({ cli, abandon });
        const { url, nginxListen, domain, marathonUrl, registryUrl } = up.config;
        print(`Ekiden is up at ${url}`);
        print(`  hooks     ${url}/hooks/gitlab`);
        print(`  apps      http://<project>.${domain}:${addressOf(nginxListen).port}`);
        print(`  marathon  ${marathonUrl.map(withoutUser).join(', ')}`);
        print(`  registry  ${registryUrl}`);
        return up;
      });
    });
}
