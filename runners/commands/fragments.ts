/** `ekiden fragments`: the platform's fragments, who uses them, and whom a new version touches. */
import type { Command } from 'commander';
import type { EkidenApi, FragmentAnswer, FragmentSummaryAnswer } from '../../src/remote.ts';
import { alignColumns } from '../columns.ts';
import { print } from '../print.ts';
import { addRemote, countOption, jsonOption, printJson } from '../remote/command.ts';
import { agoOf, colours, plain } from '../terminal.ts';

interface Options {
  /** Not `--version`, which is that of Ekiden wherever it stands. */
  movesTo?: string;
  limit: number;
  json?: true;
}

export function addFragments(program: Command): void {
  addRemote<Options>(program, {
    usage: 'fragments [name]',
    description: "the platform's fragments, or the projects that use one",
    options: [
      [
        '--moves-to <version>',
        'only those whose next build would take it, also before it is there',
      ],
      countOption('--limit <n>', 'how many branches and tags', 100),
      jsonOption,
    ],
    async run(api, [name], options) {
      if (name === undefined) await printAll(api, options);
      else await printOne(await readAll(api, name, options), options);
      return 0;
    },
  });
}

async function printAll(api: EkidenApi, { json }: Options) {
  const answer = await api.fragments();
  if (json) return printJson(answer);
  print(alignColumns([headsOf('FRAGMENT VERSIONS PROJECTS REFS'), ...answer.items.map(rowOf)]));
  for (const { name, problem } of answer.items) {
    if (problem !== undefined) print(problemLine(name, problem));
  }
}

/** What is wrong with the file that tells of versions not to be used. */
function problemLine(name: string, problem: string): string {
  return `${colours.red('problem')}  no build can take ${name}: ${plain(problem)}`;
}

function rowOf({ name, versions, projects, refs }: FragmentSummaryAnswer): string[] {
  const offered = versions.filter(({ withdrawn }) => withdrawn === undefined);
  return [name, offered.map(({ version }) => version).join(' '), String(projects), String(refs)];
}

/** A page may be short although more follow, so pages are read until there are enough. */
async function readAll(api: EkidenApi, name: string, { limit, movesTo }: Options) {
  const wanted = { ...(movesTo === undefined ? {} : { version: movesTo }) };
  let answer = await api.fragment(name, { ...wanted, limit: Math.min(limit, mostAtOnce) });
  while (answer.next !== undefined && answer.users.length < limit) {
    const page = { limit: Math.min(limit - answer.users.length, mostAtOnce), cursor: answer.next };
    const { users, hidden, ...rest } = await api.fragment(name, { ...wanted, ...page });
    const { next: _, ...before } = answer;
    const both = { users: [...answer.users, ...users], hidden: answer.hidden + hidden };
    answer = { ...before, ...rest, ...both };
  }
  return answer;
}

const mostAtOnce = 100;

async function printOne(answer: FragmentAnswer, { json, movesTo }: Options) {
  if (json) return printJson(answer);
  const { name, versions, problem, users, hidden, next } = answer;
  if (problem !== undefined) print(`${problemLine(name, problem)}\n`);
  if (versions.length > 0) print(`${alignColumns(versions.map(versionRow))}\n`);
  if (users.length > 0) print(alignColumns([headsOf(userHeads), ...users.flatMap(userRows)]));
  else print(movesTo === undefined ? 'Nobody uses it.' : `Nobody would move to ${movesTo}.`);
  if (hidden > 0) print(`Besides, ${hidden} in projects that you may not see.`);
  if (next !== undefined) print('There are more: ask with a higher --limit.');
}

function versionRow({ version, deprecated, withdrawn }: FragmentAnswer['versions'][number]) {
  if (withdrawn !== undefined) return [version, colours.red('withdrawn'), plain(withdrawn)];
  if (deprecated !== undefined) return [version, colours.yellow('deprecated'), plain(deprecated)];
  return [version, '', ''];
}

const userHeads = 'PROJECT REF ENVIRONMENTS WRITTEN TOOK BUILD WHEN';

function userRows(user: FragmentAnswer['users'][number]): string[][] {
  return user.taken.map(({ source, version }) => [
    ...[user.project.path, plain(user.ref.replace(/^refs\/(heads|tags)\//, ''))],
    ...[user.environments.join(' '), plain(source), version.slice(0, 12)],
    ...[user.build, agoOf(user.at)],
  ]);
}

function headsOf(words: string): string[] {
  return words.split(' ').map((head) => colours.dim(head));
}
