/** Archives of commits: from the disk where they were wanted before, else from GitLab, asked once for all. */
import { createReadStream } from 'node:fs';
import { addAbortSignal, pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { ArchiveCache, ArchiveFormat, ArchiveKey } from './archive-cache.ts';
import { type Download, startDownload } from './download.ts';

export interface WantedArchive extends ArchiveKey {
  signal: AbortSignal;
}

export interface Archives {
  /**
   * The repository (or the folder `path` of it) at `sha` as a plain tar, below one top folder.
   * @throws RemoteError with `retryAfter` while GitLab's limit is used up.
   */
  open(wanted: WantedArchive): Promise<Readable>;
  /** Lets the next one come from GitLab again, because this one could not be read. */
  forget(key: ArchiveKey): Promise<void>;
}

/** Where archives come from in the first place. */
export interface ArchiveSource {
  fetch(key: ArchiveKey): Promise<{ stream: Readable; format: ArchiveFormat }>;
}

export interface ArchivesOptions {
  source: ArchiveSource;
  /** By default nothing is kept, and everybody asks GitLab. */
  cache?: ArchiveCache;
}

interface Going {
  download: Download;
  format: ArchiveFormat;
  /** When it is kept, or gone. */
  settled: Promise<void>;
}

export function createArchives({ source, cache }: ArchivesOptions): Archives {
  const going = new Map<string, Promise<Going | Readable>>();

  /** What is on its way already, or is asked for now; a stream of one's own where nothing is kept. */
  async function join(key: ArchiveKey): Promise<Readable> {
    const name = nameOf(key);
    const other = going.get(name);
    const mine = other ?? begin({ source, cache }, key, () => going.delete(name));
    if (!other && cache) {
      going.set(name, mine);
      mine.then(
        (begun) => begun instanceof Readable && going.delete(name),
        () => going.delete(name),
      );
    }
    const begun = await mine;
    if (!(begun instanceof Readable)) {
      const stream = begun.download.read();
      if (stream) return plain(stream, begun.format);
    } else if (!other) return begun;
    // Bytes that came before this reader were not kept, so the archive has to be asked for once more.
    const { stream, format } = await source.fetch(key);
    return plain(stream, format);
  }

  return {
    async open({ signal, ...key }) {
      signal.throwIfAborted();
      const kept = await cache?.find(key);
      const stream = kept
        ? plain(createReadStream(kept.file, { highWaterMark: 256 * 1024 }), kept.format)
        : await join(key);
      return addAbortSignal(signal, stream);
    },
    async forget(key) {
      const begun = await going.get(nameOf(key))?.catch(() => undefined);
      if (begun && !(begun instanceof Readable)) await begun.settled;
      await cache?.forget(key);
    },
  };
}

/** Asks GitLab; answers a stream of one's own where nothing can be kept. */
async function begin(
  { source, cache }: { source: ArchiveSource; cache: ArchiveCache | undefined },
  key: ArchiveKey,
  onEnd: () => void,
): Promise<Going | Readable> {
  const room = await cache?.begin();
  const { stream, format } = await source.fetch(key);
  if (cache === undefined || room === undefined) return plain(stream, format);
  const download = startDownload({ source: stream, ...room });
  const settled = download.ended
    .then((isWhole) => (isWhole ? cache.keep(room.file, key, format) : cache.discard(room.file)))
    .finally(onEnd)
    .finally(download.release);
  return { download, format, settled };
}

function nameOf({ project, sha, path }: ArchiveKey): string {
  return JSON.stringify([project, sha, path]);
}

function plain(stream: Readable, format: ArchiveFormat): Readable {
  if (format === 'tar') return stream;
  const unzipping = createGunzip({ chunkSize: 256 * 1024 });
  // What goes wrong on either side ends both; the reader is told by its own side.
  pipeline(stream, unzipping, () => undefined);
  return unzipping;
}
