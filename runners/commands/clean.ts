/** `ekiden clean`: removes images and tags that no release needs, or says what would go. */
import type { Command } from 'commander';
import type { CleaningAnswer } from '../../src/remote.ts';
import { alignColumns } from '../columns.ts';
import { print } from '../print.ts';
import { addRemote, jsonOption, printJson } from '../remote/command.ts';
import { plain } from '../terminal.ts';

export function addClean(program: Command): void {
  addRemote<{ json?: true; dryRun?: true }>(program, {
    usage: 'clean',
    description: 'remove images and tags that no release needs, from this host and the registry',
    options: [['--dry-run', 'only say what would go, and how much that frees'], jsonOption],
    async run(api, _, { json, dryRun = false }) {
      const report = await api.clean(dryRun);
      if (json) printJson(report);
      else printReport(report);
      return 0;
    },
  });
}

const cacheStays =
  'What BuildKit keeps in its cache too is free once that is smaller: EKIDEN_BUILD_CACHE, or docker builder prune.';

type Place = NonNullable<CleaningAnswer['host']>;

function printReport({ dryRun, host, registry, buildCache }: CleaningAnswer): void {
  const verb = dryRun ? 'would go' : 'went';
  const show = (where: string, place: Place | undefined) => {
    if (place === undefined) return;
    const rows = place.removed.map(({ names, bytes }) => [inWords(bytes), plain(names.join(' '))]);
    if (rows.length > 0) print(alignColumns(rows));
    const { length } = place.removed;
    const count = `${length} image${length === 1 ? '' : 's'}`;
    print(`${where}: ${count}, ${inWords(place.bytes)} ${verb}`);
    for (const note of place.notes) print(`  ${plain(note)}`);
  };
  show('This host', host);
  show('Registry', registry);
  if (host === undefined) print('This host has no Docker that answers.');
  if (buildCache !== undefined) print(`Cache of BuildKit: ${inWords(buildCache)} ${verb}`);
  else if (host !== undefined && host.removed.length > 0) print(cacheStays);
  if (!dryRun && registry !== undefined && registry.removed.length > 0) {
    print('The registry gives room back once its own garbage collection has run.');
  }
}

/** Such as 12.3 MB. */
function inWords(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
}
