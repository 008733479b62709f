/** `ekiden dc`: the data centres, and how each is. */
import type { Command } from 'commander';
import type { DataCentreAnswer } from '../../src/remote.ts';
import { alignColumns } from '../columns.ts';
import { print } from '../print.ts';
import { addRemote, jsonOption, printJson } from '../remote/command.ts';
import { agoOf, coloured, heads, plain } from '../terminal.ts';

export function addDc(program: Command): void {
  addRemote<{ json?: true }>(program, {
    usage: 'dc',
    description: 'show the data centres, whether each answers, and what runs there',
    options: [jsonOption],
    async run(api, _, { json }) {
      const found = await api.dataCentres();
      if (json) printJson(found);
      else printDataCentres(found.items);
      return 0;
    },
  });
}

const columns = ['NAME', 'STATE', 'MARATHON', 'LEADER', 'APPS', 'INSTANCES', 'SYNCED', 'ADDRESSES'];

function printDataCentres(all: DataCentreAnswer[]): void {
  print(alignColumns([heads(columns), ...all.map(rowOf)]));
  for (const { name, reason, awaySince } of all) {
    const since = awaySince === undefined ? '' : `, away since ${agoOf(awaySince)}`;
    if (reason !== undefined) print(`  ${name}${since}: ${plain(reason)}`);
  }
}

function rowOf(each: DataCentreAnswer): string[] {
  const { name, isDefault, state, version, leader, apps, instances, addresses } = each;
  return [
    isDefault ? `${name} (default)` : name,
    coloured(state),
    plain(version ?? ''),
    plain(leader ?? ''),
    apps === undefined ? '' : String(apps),
    instances === undefined ? '' : `${instances.running}/${instances.wanted}`,
    syncOf(each),
    addresses.join(' '),
  ];
}

/** How long ago the balancer that knows least was told all. */
function syncOf({ balancers }: DataCentreAnswer): string {
  if (balancers.length === 0) return 'no balancer';
  const times = balancers.map(({ syncedAt }) => syncedAt);
  const oldest = times.includes(undefined) ? undefined : times.toSorted()[0];
  return oldest === undefined ? 'never' : agoOf(oldest);
}
