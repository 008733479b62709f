/** Reads the last lines of the log files of an instance, within bounds. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LogTail } from '../../core/evidence.ts';
import type { LogFile, LogFiles } from '../../core/log-file.ts';

const mostLines = 200;
/** Characters of a line; what is longer is no line that a person reads. */
const longestLine = 2_000;
/** Bytes that are read of the end of a file. */
const tailBytes = 128 * 1024;
/** Of all files together, and how many they may be. */
const mostCharacters = 512 * 1024;
const mostFiles = 100;

export interface Tails {
  logFiles: Pick<LogFiles, 'list' | 'open'>;
  instance: string;
  /** Takes secrets out of a text; before it is cut, since the half of a secret is not found. */
  hide: (text: string) => string;
  /** True for one that has ended: what it printed last may still be on its way into the files. */
  isOver: boolean;
}

/** Milliseconds: files that stay as they are for so long have all that was printed, and how long that is waited for. */
const quiet = 1_000;
const quietPatience = 5_000;
const lookEvery = 200;

export interface ReadTails {
  tails: LogTail[];
  /** How many files had something besides, of which nothing was taken. */
  others: number;
}

/** stderr and stdout first, then the files that were written last. */
export async function readTails(wanted: Tails): Promise<ReadTails> {
  const { hide } = wanted;
  const files = inOrder(await filesOf(wanted));
  const tails: LogTail[] = [];
  let left = mostCharacters;
  for (const file of files.slice(0, mostFiles)) {
    const lines = within(await tailOf(wanted, file).catch(() => []), left);
    left -= sizeOf(lines);
    if (lines.length > 0) tails.push({ path: hide(file.path), lines });
  }
  return { tails, others: files.length - tails.length };
}

async function filesOf({ logFiles, instance, isOver }: Tails): Promise<LogFile[]> {
  const list = async () => (await logFiles.list(instance)) ?? [];
  let files = await list();
  let quietSince = Date.now();
  for (const giveUp = quietSince + quietPatience; isOver && Date.now() < giveUp; ) {
    await delay(lookEvery);
    const before = sizesOf(files);
    files = await list();
    if (sizesOf(files) !== before) quietSince = Date.now();
    if (Date.now() - quietSince > quiet) break;
  }
  return files;
}

function sizesOf(files: LogFile[]): string {
  return files.map(({ path, size }) => `${path} ${size}`).join('\n');
}

const first = ['stderr', 'stdout'];

function inOrder(files: LogFile[]): LogFile[] {
  const rank = ({ path }: LogFile) => (first.includes(path) ? first.indexOf(path) : first.length);
  return files
    .filter(({ size }) => size > 0)
    .sort((a, b) => rank(a) - rank(b) || b.modifiedAt - a.modifiedAt);
}

async function tailOf({ logFiles, instance, hide }: Tails, { path }: LogFile): Promise<string[]> {
  const opened = await logFiles.open(instance, path, { start: -tailBytes });
  if (!opened) return [];
  const pieces: Uint8Array[] = [];
  for await (const piece of opened.bytes) pieces.push(piece);
  const isWhole = opened.file.size <= tailBytes;
  return linesOf(hide(Buffer.concat(pieces).toString('utf8')), isWhole);
}

/** The last lines of a text; its first one is broken unless the text is whole. */
export function linesOf(text: string, isWhole: boolean): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  if (!isWhole && lines.length > 1) lines.shift();
  return lines.slice(-mostLines).map(cut);
}

function cut(line: string): string {
  return line.length <= longestLine ? line : `${line.slice(0, longestLine)}…`;
}

/** The last of the lines that fit. */
function within(lines: string[], characters: number): string[] {
  let left = characters;
  let from = lines.length;
  while (from > 0) {
    left -= (lines[from - 1]?.length ?? 0) + 1;
    if (left < 0) break;
    from -= 1;
  }
  return lines.slice(from);
}

function sizeOf(lines: string[]): number {
  return lines.reduce((sum, line) => sum + line.length + 1, 0);
}

/** The last line that says something, of stderr where there is one: what a program says before it gives up. */
export function lastWordsOf(logs: readonly LogTail[]): string | undefined {
  for (const path of first) {
    const all = logs.find((each) => each.path === path)?.lines ?? [];
    const lines = all.filter((line) => plain(line).trim() !== '');
    const words = lines.findLast((line) => !isBelowError.test(line)) ?? lines.at(-1);
    if (words !== undefined) return plain(words).trim().slice(0, 200);
  }
  return undefined;
}

/** What Node.js and Java print below the line that tells an error: frames, fields, and the version. */
const isBelowError = /^\s|^[}\])]+;?$|^Node\.js v\d|^Emitted '.*' event/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: These characters are what is taken out.
const control = /\x1b\[[0-9;:]*[A-Za-z]|[\x00-\x1f\x7f]/g;

function plain(line: string): string {
  return line.replaceAll(control, '');
}
