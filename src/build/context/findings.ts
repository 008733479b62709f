/** What comes to light while a context passes: what is there, and what is not what it seems. */
import { posix } from 'node:path';
import type { EntryHeader } from './entries.ts';

/** More names of a kind than these help nobody. */
const nameLimit = 20;

/** The first line of a file that stands for one kept elsewhere (Git LFS specification, version 1). */
const pointer = Buffer.from('version https://git-lfs.github.com/spec/v1\n');

export interface Link {
  path: string;
  target: string;
}

export interface Findings {
  /** Takes note of an entry that is sent. */
  see(header: EntryHeader): void;
  /** Looks at what a small file holds. */
  look(path: string, bytes: Buffer): void;
  /** True for a wanted path that was seen, or has something below it. */
  has(path: string): boolean;
  /** The first files whose content Git LFS keeps and the archive lacks, and how many there are. */
  readonly pointers: { names: string[]; count: number };
  /** Folders with nothing in them, which git does not keep: submodules. */
  readonly emptyFolders: string[];
  /** Links on the way to wanted paths that lead out of the context. */
  readonly links: Link[];
  /** True where attributes of git may put the commit into files of the archive. */
  hasCommit(): boolean;
  /** Takes it for given, where attributes cannot be read. */
  suspectCommit(): void;
}

/** Whether a file tells git what to do with others. */
export function isAttributes(path: string): boolean {
  return posix.basename(path) === '.gitattributes';
}

export function createFindings(wanted: Iterable<string>): Findings {
  const paths = new Set(wanted);
  const found = new Set<string>();
  const ways = new Set([...paths].flatMap((path) => [path, ...foldersAround(path)]));
  const pointers = { names: [] as string[], count: 0 };
  const links: Link[] = [];
  let hasCommit = false;

  return {
    pointers,
    links,
    emptyFolders: [],
    has: (path) => found.has(path),
    hasCommit: () => hasCommit,
    suspectCommit() {
      hasCommit = true;
    },
    see({ name, type, linkname = '' }) {
      if (type === 'symlink' && ways.has(name) && leadsOut(name, linkname)) {
        links.push({ path: name, target: linkname });
        return;
      }
      for (const path of [name, ...foldersAround(name)]) if (paths.has(path)) found.add(path);
    },
    look(path, bytes) {
      if (isAttributes(path)) hasCommit ||= bytes.includes('export-subst');
      if (!bytes.subarray(0, pointer.length).equals(pointer)) return;
      pointers.count++;
      if (pointers.names.length < nameLimit) pointers.names.push(path);
    },
  };
}

function leadsOut(name: string, target: string): boolean {
  const path = posix.join(posix.dirname(name), target);
  return posix.isAbsolute(target) || path === '..' || path.startsWith('../');
}

function foldersAround(path: string): string[] {
  const names = path.split('/');
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'));
}
