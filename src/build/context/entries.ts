/** Entries of a tar on their way from one to another. */
import { pipeline } from 'node:stream/promises';
import type { Extract, Header, Pack } from 'tar-stream';

export type Entry = Extract extends AsyncIterable<infer Source> ? Source : never;
export type EntryHeader = Partial<Header> & Pick<Header, 'name'>;

/** Entries up to this size are handed over in one piece, which takes a tenth less CPU. */
const pieceLimit = 64 * 1024;

export interface Content {
  entry: Entry;
  /** Shown what files hold that are handed over in one piece. */
  look(bytes: Buffer): void;
}

/** Sends an entry; only files have content. */
export async function sendEntry(
  packing: Pack,
  header: EntryHeader,
  content?: Content,
): Promise<void> {
  const isFile = header.type === 'file' || header.type === 'contiguous-file';
  if (!content || !isFile) {
    content?.entry.resume();
    return write(packing, { ...header, size: 0 });
  }
  if (!isSmall(header)) {
    await pipeline(asNode(content.entry), asNode(packing.entry(header)));
    return;
  }
  await write(packing, header, await readEntry(content));
}

/** True for what is handed over in one piece. */
export function isSmall({ size = 0 }: EntryHeader): boolean {
  return size <= pieceLimit;
}

/** Shows what a small file holds, and answers it. */
export async function readEntry({ entry, look }: Content): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of entry) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  look(bytes);
  return bytes;
}

export function sendFile(
  packing: Pack,
  header: Pick<Header, 'name' | 'mtime'>,
  bytes: Buffer,
): Promise<void> {
  return write(packing, { ...header, size: bytes.length, mode: 0o644, type: 'file' }, bytes);
}

/**
 * The context's root, in one block: BuildKit knows a tar by its first two, and takes one that begins with
 * a name which needs more, such as one that is not ASCII, for a Dockerfile.
 */
export function sendRoot(packing: Pack, mtime: Date): Promise<void> {
  return write(packing, { name: './', type: 'directory', mode: 0o755, mtime });
}

function write(packing: Pack, header: EntryHeader, bytes?: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve());
    if (bytes) packing.entry(header, bytes, done);
    else packing.entry(header, done);
  });
}

/** The streams of tar-stream behave as Node's do, but are typed on their own. */
export function asNode(stream: unknown): NodeJS.ReadWriteStream {
  return stream as NodeJS.ReadWriteStream;
}
