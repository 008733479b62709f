/** Turns GitLab's archive into a build context on the way: nothing is checked out, memory stays flat. */
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Extract, extract, type Header, type Pack, pack } from 'tar-stream';
import { messageOf, RemoteError } from '../../core/errors.ts';

type Entry = Extract extends AsyncIterable<infer Source> ? Source : never;
type EntryHeader = Partial<Header> & Pick<Header, 'name'>;

/** Entries up to this size are handed over in one piece, which takes a tenth less CPU. */
const pieceLimit = 64 * 1024;

const kept = new Set(['file', 'directory', 'symlink', 'link']);

/** Name for a Dockerfile that lies outside the context. */
const outsideName = '.ekiden.dockerfile';

export interface ContextOptions {
  /** GitLab's tar: everything lies below one top folder. */
  archive: Readable;
  /** Folder that becomes the context's root, `` for the repository's. */
  folder: string;
  /** The Dockerfile as INCLUDE expanded it, and where it lies in the repository. */
  dockerfile: { path: string; bytes: Buffer };
  signal: AbortSignal;
}

export interface Context {
  /** The tar for dockerd; destroyed with an error when the archive breaks off. */
  stream: Readable;
  /** Path of the Dockerfile in the context. */
  dockerfile: string;
}

/** Strips the top folder, puts the expanded Dockerfile in place and leaves out what no build may hold. */
export function openContext(options: ContextOptions): Context {
  const { folder, dockerfile } = options;
  const prefix = folder === '' ? '' : `${folder}/`;
  const inside = dockerfile.path.startsWith(prefix);
  const name = inside ? dockerfile.path.slice(prefix.length) : outsideName;
  const output = new PassThrough({ highWaterMark: 256 * 1024 });
  const packing = pack();
  const writing = pipeline(asNode(packing), output, { signal: options.signal });
  rewrite({ ...options, prefix, name, packing }).catch((error: unknown) => {
    packing.destroy(brokenArchive(error));
  });
  writing.catch((error: unknown) => output.destroy(brokenArchive(error)));
  return { stream: output, dockerfile: name };
}

interface Rewriting extends ContextOptions {
  prefix: string;
  name: string;
  packing: Pack;
}

async function rewrite({ archive, dockerfile, prefix, name, packing, signal }: Rewriting) {
  const entries = extract();
  const reading = pipeline(archive, asNode(entries), { signal });
  reading.catch((error: Error) => entries.destroy(error));
  let seen = false;
  for await (const entry of entries) {
    const path = entry.header.name.replace(/^[^/]*\//, '');
    if (!kept.has(entry.header.type ?? 'file') || !path.startsWith(prefix) || path === prefix) {
      entry.resume();
      continue;
    }
    const target = path.slice(prefix.length);
    if (target === name) {
      seen = true;
      entry.resume();
      await writeDockerfile(packing, name, dockerfile.bytes);
    } else {
      await copy(packing, withName(entry.header, target), entry);
    }
  }
  await reading;
  if (!seen) await writeDockerfile(packing, name, dockerfile.bytes);
  packing.finalize();
}

/** A hard link names its target as the archive does, so the top folder goes there too. */
function withName(header: Header, name: string): EntryHeader {
  const { type, linkname } = header;
  const link = type === 'link' && linkname ? { linkname: linkname.replace(/^[^/]*\//, '') } : {};
  return { ...header, ...link, name, uid: 0, gid: 0, uname: '', gname: '', pax: null };
}

async function copy(packing: Pack, header: EntryHeader, entry: Entry): Promise<void> {
  if (header.type !== 'file' && header.type !== 'contiguous-file') {
    entry.resume();
    return writeEntry(packing, { ...header, size: 0 });
  }
  if ((header.size ?? 0) > pieceLimit) {
    await pipeline(asNode(entry), asNode(packing.entry(header)));
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of entry) chunks.push(chunk as Buffer);
  await writeEntry(packing, header, Buffer.concat(chunks));
}

function writeDockerfile(packing: Pack, name: string, bytes: Buffer): Promise<void> {
  return writeEntry(packing, { name, size: bytes.length, mode: 0o644, type: 'file' }, bytes);
}

function writeEntry(packing: Pack, header: EntryHeader, bytes?: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve());
    if (bytes) packing.entry(header, bytes, done);
    else packing.entry(header, done);
  });
}

/** The streams of tar-stream behave as Node's do, but are typed on their own. */
function asNode(stream: unknown): NodeJS.ReadWriteStream {
  return stream as NodeJS.ReadWriteStream;
}

/** What the error of a context's stream means, also where a part of it broke before the whole. */
export function brokenArchive(error: unknown): RemoteError {
  if (error instanceof RemoteError) return error;
  return new RemoteError(`The archive from GitLab broke off: ${messageOf(error)}`, {
    code: 'E_ARCHIVE',
    cause: error,
  });
}
