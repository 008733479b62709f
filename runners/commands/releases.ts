/** `ekiden releases`: which releases an environment had, and how each stands. */
import type { Command } from 'commander';
import type { ReleaseAnswer } from '../../src/remote.ts';
import { alignColumns } from '../columns.ts';
import { print } from '../print.ts';
import { addRemote, countOption, jsonOption, printJson } from '../remote/command.ts';
import { agoOf, coloured, heads, plain } from '../terminal.ts';

interface Options {
  env: string;
  limit?: number;
  rebuild?: true;
  json?: true;
}

const shown = 20;

export function addReleases(program: Command): void {
  addRemote<Options>(program, {
    usage: 'releases <project>',
    description: 'list the releases of an environment that one can go back to',
    options: [
      ['--env <environment>', 'where', 'production'],
      countOption('--limit <count>', `how many; default: ${shown}, at most 100`),
      ['--rebuild', 'first make lost records again of what Marathon and GitLab know'],
      jsonOption,
    ],
    async run(api, [project = ''], { env, limit = shown, rebuild, json }) {
      if (rebuild) await api.rebuildReleases(project);
      const { items } = await api.releases(project, env, limit);
      if (json) printJson({ items });
      else if (items.length === 0) print(`There is no release in ${plain(env)}.`);
      else print(alignColumns([heads(columns), ...items.map(rowOf)]));
      return 0;
    },
  });
}

const columns = ['RELEASE', 'STANDING', 'SERVICES', 'COMMIT', 'WHEN', 'BY', 'TITLE'];

function rowOf(release: ReleaseAnswer): string[] {
  const { number, standing, services, sha, createdAt, author, commit } = release;
  const named = services.map(({ service, runs }) => (runs ? `${service} (runs)` : service));
  return [
    ...[String(number), coloured(standing.state), named.join(', '), sha.slice(0, 12)],
    ...[agoOf(createdAt), plain(author ?? commit?.author ?? '')],
    plain(standing.reason ?? commit?.title ?? ''),
  ];
}
