/** `ekiden evidence`: what a failed instance left behind. */
import type { Command } from 'commander';
import type { EkidenApi, EvidenceAnswer, ServicePlace } from '../../src/remote.ts';
import { alignColumns } from '../columns.ts';
import { print } from '../print.ts';
import { addRemote, jsonOption, printJson } from '../remote/command.ts';
import { servicePlace } from '../remote/service-name.ts';
import { agoOf, colours, heads, plain } from '../terminal.ts';

interface Options {
  env: string;
  service?: string;
  json?: true;
}

export function addEvidence(program: Command): void {
  addRemote<Options>(program, {
    usage: 'evidence <project> [instance]',
    description: 'show what a failed instance left behind, or list those that failed',
    options: [
      ['--env <environment>', 'in this environment', 'production'],
      ['--service <name>', 'of this service; default: the only one, or web'],
      jsonOption,
    ],
    async run(api, [project = '', instance], options) {
      const place = await placeOf(api, project, options);
      if (instance === undefined) return list(api, place, options);
      const found = await api.oneEvidence(place, instance);
      if (options.json) printJson(found);
      else printEvidence(found);
      return 0;
    },
  });
}

/** A service whose first deployment failed runs nowhere, so that it has to be named, or is web. */
async function placeOf(api: EkidenApi, project: string, options: Options): Promise<ServicePlace> {
  const { env: environment, service } = options;
  if (service !== undefined) return { project, environment, service };
  return servicePlace(api, project, options).catch(() => ({
    project,
    environment,
    service: 'web',
  }));
}

async function list(api: EkidenApi, place: ServicePlace, { json }: Options): Promise<number> {
  const { items } = await api.evidence(place);
  if (json) printJson(items);
  else if (items.length === 0) print('No failed instance left evidence.');
  else {
    const rows = items.map(({ instance, release, at, reason }) => [
      ...[instance, String(release), agoOf(at), plain(reason)],
    ]);
    print(alignColumns([heads(['INSTANCE', 'RELEASE', 'WHEN', 'WHAT']), ...rows]));
  }
  return 0;
}

/** With so many of the last lines of each log file. */
export function printEvidence(found: EvidenceAnswer, lines = Number.POSITIVE_INFINITY): void {
  const { instance, release, host, reason, exit, checks, listening, logs, otherLogs = 0 } = found;
  print(`${colours.bold(plain(reason))}`);
  print(`  ${instance}, release ${release}${host ? ` on ${plain(host)}` : ''}`);
  if (exit) print(`  ${wordsOf(exit)}`);
  for (const { check, alive, cause } of checks) {
    print(`  ${plain(check)}: ${alive ? 'passed' : plain(cause ?? 'not passed yet')}`);
  }
  if (listening) print(`  listened on ${listening.length > 0 ? listening.join(', ') : 'no port'}`);
  for (const { path, lines: all } of logs) {
    print(`\n${colours.dim(plain(path))}`);
    for (const line of all.slice(-lines)) print(`  ${plain(line)}`);
  }
  if (otherLogs === 1) print('\n1 more log file is not kept.');
  else if (otherLogs > 1) print(`\n${otherLogs} more log files are not kept.`);
}

function wordsOf({ code, signal, outOfMemory }: NonNullable<EvidenceAnswer['exit']>): string {
  const parts = [
    ...(code === undefined ? [] : [`exit code ${code}`]),
    ...(signal === undefined ? [] : [signal]),
    ...(outOfMemory ? ['out of memory'] : []),
  ];
  return parts.join(', ');
}
