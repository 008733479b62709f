/** `ekiden diff`: what is different between two releases. */
import type { Command } from 'commander';
import type { DiffAnswer, ServiceDiffAnswer } from '../../src/remote.ts';
import { print } from '../print.ts';
import { addRemote, countOption, jsonOption, printJson } from '../remote/command.ts';
import { colours, plain } from '../terminal.ts';

interface Options {
  env: string;
  from?: number;
  to?: number;
  json?: true;
}

export function addDiff(program: Command): void {
  addRemote<Options>(program, {
    usage: 'diff <project>',
    description: 'show what is different between two releases, values of variables apart',
    options: [
      ['--env <environment>', 'where', 'production'],
      countOption('--from <release>', 'default: the one before the other'),
      countOption('--to <release>', 'default: the one that runs'),
      jsonOption,
    ],
    async run(api, [project = ''], { env, from, to, json }) {
      const found = await api.diff(project, env, {
        ...(from === undefined ? {} : { from }),
        ...(to === undefined ? {} : { to }),
      });
      if (json) printJson(found);
      else print(linesOf(found).join('\n'));
      return 0;
    },
  });
}

function linesOf({ from, to, comparison, commits, services }: DiffAnswer): string[] {
  const listed = (sign: string, list: { sha: string; title: string }[] = []) =>
    list.map(({ sha, title }) => line(sign, `${sha.slice(0, 12)} ${title}`));
  return [
    colours.bold(`from release ${from} to ${to}`),
    ...listed('+', commits?.added),
    ...listed('-', commits?.removed),
    ...(comparison ? [`  ${colours.dim(comparison)}`] : []),
    ...(services.length === 0 ? ['Nothing is different.'] : services.flatMap(serviceLines)),
  ];
}

/** A service with a line for each thing that is different. */
export function serviceLines(service: ServiceDiffAnswer): string[] {
  const { from = 'nothing', to = 'a new release', image, variables, fragments, settings } = service;
  const changes = settings.map(({ name, ...sides }) => line('~', `${name} ${between(sides)}`));
  return [
    `${colours.bold(service.service)}  ${from} → ${to}`,
    ...(image.from === image.to ? [] : [line('~', `image ${between(image)}`)]),
    ...named('variable', variables),
    ...named('fragment', fragments),
    ...changes,
  ];
}

function named(what: string, { added, removed, changed }: ServiceDiffAnswer['variables']) {
  return [
    ...added.map((name) => line('+', `${what} ${name}`)),
    ...removed.map((name) => line('-', `${what} ${name}`)),
    ...changed.map((name) => line('~', `${what} ${name}`)),
  ];
}

function between({ from = '–', to = '–' }: { from?: string | undefined; to?: string | undefined }) {
  return `${from} → ${to}`;
}

/** Indented, behind a sign for what came, went or changed. */
export function line(sign: string, text: string): string {
  return `  ${sign} ${plain(text)}`;
}
