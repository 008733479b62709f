/** Files of commits, kept in memory: what lies at a path of a commit never changes. */
import { LRUCache } from 'lru-cache';

export interface CommitFile {
  project: number;
  sha: string;
  path: string;
}

export interface FileCache {
  /** The bytes, read once for all who ask at a time; undefined is not kept. */
  read(file: CommitFile, load: () => Promise<Buffer | undefined>): Promise<Buffer | undefined>;
}

/** Some thousands of fragments. */
const defaultBytes = 64 * 1024 * 1024;

/** What an entry takes besides its bytes and its key. */
const overhead = 256;

/** Keeps at most `bytes`, those that were asked for longest ago first to go. */
export function createFileCache(bytes = defaultBytes): FileCache {
  const cache = new LRUCache<string, Buffer, () => Promise<Buffer | undefined>>({
    maxSize: bytes,
    sizeCalculation: (content, key) => content.length + key.length + overhead,
    fetchMethod: (_key, _old, { context }) => context(),
    // Who waits for a file gets it, also when others have taken its place in the cache meanwhile.
    ignoreFetchAbort: true,
  });
  return {
    read: ({ project, sha, path }, load) =>
      cache.fetch(`${project} ${sha} ${path}`, { context: load }),
  };
}
