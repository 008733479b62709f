/** Lists the log files of an instance. */
import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import type { LogFile } from '../core/log-file.ts';
import { isOutput, type LogFolder } from './gate.ts';
import { textOf } from './names.ts';

/** An app can write any number of files; the list ends here. */
const mostFiles = 1_000;
const deepest = 8;
const slash = Buffer.from('/');
/** Entries that are looked at in all, so that folders without files come to an end as well. */
const mostEntries = 20_000;

interface Walk {
  files: LogFile[];
  entriesLeft: number;
}

/** Regular files only, in alphabetical order; links are left out, since they name a file again. */
export async function listFiles({ sandbox, folders }: LogFolder): Promise<LogFile[]> {
  const walk: Walk = { files: [], entriesLeft: mostEntries };
  for (const entry of await entriesOf(Buffer.from(sandbox))) {
    if (entry.isFile() && isOutput(textOf(entry.name))) await add(walk, sandbox, [entry.name]);
  }
  for (const folder of folders) {
    const steps = folder.split('/').map((name) => Buffer.from(name));
    if (await isRealFolder(sandbox, steps)) await visit(walk, sandbox, steps, steps.length);
  }
  return walk.files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function visit(walk: Walk, sandbox: string, steps: Buffer[], top: number): Promise<void> {
  if (steps.length - top >= deepest) return;
  for (const entry of await entriesOf(pathOf(sandbox, steps))) {
    walk.entriesLeft -= 1;
    if (walk.files.length >= mostFiles || walk.entriesLeft < 0) return;
    const inside = [...steps, entry.name];
    if (entry.isDirectory()) await visit(walk, sandbox, inside, top);
    else if (entry.isFile()) await add(walk, sandbox, inside);
  }
}

/** A file that went meanwhile is left out. */
async function add({ files }: Walk, sandbox: string, steps: Buffer[]): Promise<void> {
  const info = await lstat(pathOf(sandbox, steps)).catch(() => undefined);
  if (!info?.isFile()) return;
  const path = steps.map(textOf).join('/');
  files.push({ path, size: info.size, modifiedAt: Math.floor(info.mtimeMs) });
}

/** A container may replace its folder by a link to one of this host. */
async function isRealFolder(sandbox: string, steps: Buffer[]): Promise<boolean> {
  for (const [index] of steps.entries()) {
    const path = pathOf(sandbox, steps.slice(0, index + 1));
    const info = await lstat(path).catch(() => undefined);
    if (!info?.isDirectory()) return false;
  }
  return true;
}

async function entriesOf(path: Buffer): Promise<Dirent<Buffer>[]> {
  const options = { withFileTypes: true, encoding: 'buffer' } as const;
  const entries: Dirent<Buffer>[] = await readdir(path, options).catch(() => []);
  return entries.sort((a, b) => Buffer.compare(a.name, b.name));
}

function pathOf(sandbox: string, steps: Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(sandbox), ...steps.flatMap((step) => [slash, step])]);
}
