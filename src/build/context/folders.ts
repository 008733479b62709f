/** The folders that the entries of an archive lie in, which stand before what is in them. */
import type { EntryHeader } from './entries.ts';

interface Held {
  header: EntryHeader;
  isSent: boolean;
  isEmpty: boolean;
}

export interface Folders {
  /** Leaves the folders that `path` does not lie in; answers those of them that had nothing in them. */
  leaveFor(path: string): string[];
  enter(header: EntryHeader): void;
  /** The folders around the present entry, itself included, that were not sent yet; they count as sent then. */
  toSend(): EntryHeader[];
  /** Leaves all; answers as `leaveFor` does. */
  end(): string[];
}

/** Keeps a folder back until something in it is sent, so that it keeps its mode and its time. */
export function createFolders(): Folders {
  let around: Held[] = [];

  function leave(isAround: (folder: Held) => boolean): string[] {
    const left = around.filter((folder) => !isAround(folder));
    around = around.filter(isAround);
    return left.filter(({ isEmpty }) => isEmpty).map(({ header }) => header.name);
  }

  return {
    leaveFor(path) {
      const empty = leave(({ header }) => path.startsWith(`${header.name}/`));
      for (const folder of around) folder.isEmpty = false;
      return empty;
    },
    enter(header) {
      around.push({ header, isSent: false, isEmpty: true });
    },
    toSend() {
      const waiting = around.filter(({ isSent }) => !isSent);
      for (const folder of waiting) folder.isSent = true;
      return waiting.map(({ header }) => ({ ...header, name: `${header.name}/` }));
    },
    end: () => leave(() => false),
  };
}

/** The folders that a path lies in: from the root, which is ``, down to the one that holds it; none for the root itself. */
export function foldersAbove(path: string): string[] {
  const names = path === '' ? [] : path.split('/');
  return names.map((_, index) => names.slice(0, index).join('/'));
}
