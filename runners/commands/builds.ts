/** `ekiden builds`: the last builds of a project. */
import type { Command } from 'commander';
import type { BuildAnswer } from '../../src/remote.ts';
import { alignColumns } from '../columns.ts';
import { print } from '../print.ts';
import { addRemote, countOption, jsonOption, printJson } from '../remote/command.ts';
import { agoOf, coloured, colours, plain, spanOf } from '../terminal.ts';

/** The API gives so many at once. */
const most = 100;

export function addBuilds(program: Command): void {
  addRemote<{ json?: true; limit: number }>(program, {
    usage: 'builds <project>',
    description: 'list the last builds, newest first',
    options: [countOption('--limit <n>', `how many, at most ${most}`, 20), jsonOption],
    async run(api, [project = ''], { json, limit }) {
      const page = await api.builds(project, Math.min(most, limit));
      if (json) printJson(page);
      else
        print(page.items.length > 0 ? alignColumns(buildRows(page.items)) : 'Nothing was built.');
      return 0;
    },
  });
}

const heads = ['BUILD', 'STATE', 'REF', 'COMMIT', 'WHEN', 'TOOK', 'REASON'];

/** With the heads of the columns. */
export function buildRows(builds: BuildAnswer[]): string[][] {
  return [heads.map((head) => colours.dim(head)), ...builds.map(rowOf)];
}

function rowOf(build: BuildAnswer): string[] {
  const { id, state, ref, sha, createdAt, legs } = build;
  const reason = build.reason ?? build.waiting?.why;
  return [
    ...[id, coloured(state), plain(ref.replace(/^refs\/(heads|tags)\//, ''))],
    ...[sha.slice(0, 12), agoOf(createdAt), tookOf(legs), plain(reason ?? '')],
  ];
}

/** From the hook to the end of the last leg. */
function tookOf(legs: BuildAnswer['legs']): string {
  const [first] = legs;
  const end = legs.at(-1)?.end;
  if (first === undefined || end === undefined) return '';
  return spanOf(Date.parse(end) - Date.parse(first.start));
}
