/** Finds the files that rotation made of one: `access.log.1` or `access.log-20260101` beside `access.log`. */
import { lstat, readdir } from 'node:fs/promises';
import { openInside } from './gate.ts';
import { type Generation, openGeneration, tailBefore } from './generation.ts';
import { hasHead, headBytes, timesOf } from './identity.ts';

export interface Sibling {
  path: Buffer;
  /** Device, inode and birth. */
  key: string;
  /** Milliseconds since the epoch; 0 where the file system does not tell. */
  bornAt: number;
  modifiedAt: number;
}

/** The newest are looked at; more are nobody's rotation. */
const most = 100;
const slash = 0x2f;
/** Compressed ones are no text, and what the engine cuts becomes the file itself (src/engine/sandbox/capped-file.ts). */
const others = /\.(gz|bz2|xz|zst|lz4|zip|kept)$/;

/** Regular files, the oldest first. */
export async function siblingsOf(path: Buffer): Promise<Sibling[]> {
  const cut = path.lastIndexOf(slash) + 1;
  const [folder, base] = [path.subarray(0, cut), path.subarray(cut)];
  const names = await readdir(folder, { encoding: 'buffer' }).catch(() => []);
  const found: Sibling[] = [];
  for (const name of names.filter((each) => isRotated(each, base))) {
    const sibling = await siblingAt(Buffer.concat([folder, name]));
    if (sibling) found.push(sibling);
  }
  return found.sort(byAge).slice(-most);
}

/**
 * By birth, since renamed files are still written to. File systems tell times in steps of
 * milliseconds; of two in one step, `.2` is older than `.1`.
 */
function byAge(a: Sibling, b: Sibling): number {
  return a.bornAt - b.bornAt || numberOf(b) - numberOf(a) || a.modifiedAt - b.modifiedAt;
}

function numberOf({ path }: Sibling): number {
  return Number(/\.(\d+)$/.exec(path.toString('latin1'))?.[1] ?? 0);
}

function isRotated(name: Buffer, base: Buffer): boolean {
  const rest = name.subarray(base.length).toString('latin1');
  return name.subarray(0, base.length).equals(base) && /^[.-]./.test(rest) && !others.test(rest);
}

async function siblingAt(path: Buffer): Promise<Sibling | undefined> {
  const info = await lstat(path, { bigint: true }).catch(() => undefined);
  if (!info?.isFile()) return undefined;
  return { path, ...timesOf(info) };
}

/** Undefined when it is gone, has another name by now, or lies outside the sandbox. */
export async function openSibling(
  sandbox: string,
  { path, key }: Sibling,
  from: number,
): Promise<Generation | undefined> {
  const handle = await openInside(sandbox, [path]);
  const generation = handle && (await openGeneration(handle, from));
  if (generation?.key === key) return generation;
  await handle?.close();
  return undefined;
}

interface Since {
  sandbox: string;
  siblings: Sibling[];
  identity: string;
  from: number;
}

/**
 * The file that had the identity, from `from` on, and those that had the name after it; none when
 * it is gone, undefined when it got another name just now.
 */
export async function rotatedSince(since: Since): Promise<Generation[] | undefined> {
  const { sandbox, siblings, identity, from } = since;
  const isNamed = ({ key }: Sibling) => identity.startsWith(`${key}-`);
  // A copy has the head alone; it is looked for in the newest first.
  const candidates = [...siblings.filter(isNamed), ...siblings.toReversed()];
  for (const candidate of candidates) {
    const first = await openSibling(sandbox, candidate, from);
    if (!first && isNamed(candidate)) return undefined;
    if (!first) continue;
    if (first.size >= from && (await isHead(first, identity, isNamed(candidate)))) {
      const later = siblings.slice(siblings.indexOf(candidate) + 1);
      const opened = await Promise.all(later.map((sibling) => openSibling(sandbox, sibling, 0)));
      return [first, ...opened.filter((generation) => generation !== undefined)];
    }
    await first.handle.close();
  }
  return [];
}

/** A head of few bytes may be that of many files. */
async function isHead(first: Generation, identity: string, isNamed: boolean): Promise<boolean> {
  const isLong = identity.includes(`-${headBytes.toString(36)}-`);
  return (isNamed || isLong) && hasHead(first.handle, first.size, identity);
}

/** True for what a copy made of a file that is read already; it begins with the same bytes. */
export async function isCopyOfAny(
  { handle, size }: Generation,
  generations: readonly Generation[],
): Promise<boolean> {
  for (const { identity, isFull } of generations) {
    if (isFull && (await hasHead(handle, size, identity))) return true;
  }
  return false;
}

interface Copy {
  sandbox: string;
  generation: Generation;
  siblings: Sibling[];
}

/** The newest file that has, at the same place, what was read last of `generation`. */
export async function copyOf({
  sandbox,
  generation,
  siblings,
}: Copy): Promise<Generation | undefined> {
  const { offset, tail } = generation;
  if (tail.length === 0) return undefined;
  for (const sibling of siblings.toReversed()) {
    const copy = await openSibling(sandbox, sibling, offset);
    if (!copy) continue;
    if (copy.offset === offset && (await tailBefore(copy.handle, offset)).equals(tail)) {
      return Object.assign(copy, { isFresh: false });
    }
    await copy.handle.close();
  }
  return undefined;
}
