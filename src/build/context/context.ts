/** Turns GitLab's archive into a build context on the way: nothing is checked out, memory stays flat. */
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { extract, type Header, type Pack, pack } from 'tar-stream';
import { messageOf, RemoteError } from '../../core/errors.ts';
import {
  asNode,
  type Entry,
  type EntryHeader,
  isSmall,
  readEntry,
  sendEntry,
  sendFile,
  sendRoot,
} from './entries.ts';
import { createFindings, type Findings, isAttributes } from './findings.ts';
import { createFolders } from './folders.ts';
import type { Ignores } from './ignore.ts';
import { coalesce, wholeTar } from './tar-flow.ts';
import type { Visible } from './visible.ts';

/** Name for a Dockerfile that lies outside the context. */
const outsideName = '.ekiden.dockerfile';

/** Docker's classic builder reads it, to leave the Dockerfile out of the image where it says so. */
const ignoreName = '.dockerignore';

export interface ContextOptions {
  /** GitLab's tar: everything lies below one top folder. */
  archive: Readable;
  /** Folder that becomes the context's root, `` for the repository's. */
  folder: string;
  /** The Dockerfile as INCLUDE expanded it, and where it lies in the repository. */
  dockerfile: { path: string; bytes: Buffer };
  /** By default nothing is ignored. */
  ignores?: Ignores | undefined;
  /** What the Dockerfile can see; by default everything. */
  visible?: Visible;
  /** Paths of the context that are looked out for. */
  wanted?: Iterable<string>;
  /** Told what was found, before Docker is given the end of the context. */
  onEnd?: (findings: Findings) => Promise<void>;
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
  const output = coalesce();
  const packing = pack();
  const writing = pipeline(asNode(packing), output, { signal: options.signal });
  rewrite({ ...options, prefix, name, packing }).catch((error: unknown) => {
    packing.destroy(brokenArchive(error));
  });
  writing.catch((error: unknown) => {
    options.archive.destroy();
    output.destroy(brokenArchive(error));
  });
  return { stream: output, dockerfile: name };
}

const epoch = new Date(0);

interface Rewriting extends ContextOptions {
  prefix: string;
  name: string;
  packing: Pack;
}

async function rewrite(rewriting: Rewriting): Promise<void> {
  const { archive, dockerfile, prefix, name, packing, wanted = [], signal } = rewriting;
  const entries = extract();
  const reading = pipeline(archive, wholeTar(), asNode(entries), { signal });
  reading.catch((error: Error) => entries.destroy(error));
  const findings = createFindings(wanted);
  const folders = createFolders();
  const isSent = createFilter(rewriting);
  let seen = false;
  // Of the commit, as all in the archive: the same context is the same tar, which BuildKit does not unpack again.
  let mtime: Date | undefined;
  for await (const entry of entries) {
    if (mtime === undefined) {
      mtime = entry.header.mtime ?? epoch;
      await sendRoot(packing, mtime);
    }
    const path = entry.header.name.replace(/^[^/]*\//, '');
    const target = path.startsWith(prefix) ? path.slice(prefix.length).replace(/\/$/, '') : '';
    const header = target === '' ? undefined : headerOf(entry.header, target);
    if (header !== undefined && target === name) seen = true;
    if (header === undefined || target === name) entry.resume();
    else await take(entry, { header, isSent, findings, folders, packing });
    if (target === name) await sendFile(packing, { name, mtime }, dockerfile.bytes);
  }
  await reading;
  // Every archive has its top folder at least.
  if (mtime === undefined) throw new Error('it holds nothing');
  if (!seen) await sendFile(packing, { name, mtime }, dockerfile.bytes);
  findings.emptyFolders.push(...folders.end().filter(isSent));
  await rewriting.onEnd?.(findings);
  packing.finalize();
}

interface Taking {
  header: EntryHeader;
  isSent: (path: string) => boolean;
  findings: Findings;
  folders: ReturnType<typeof createFolders>;
  packing: Pack;
}

/** Sends an entry, or holds a folder back until something in it is sent. */
async function take(entry: Entry, { header, isSent, findings, folders, packing }: Taking) {
  const { name, type, linkname } = header;
  findings.emptyFolders.push(...folders.leaveFor(name).filter(isSent));
  const isWanted = isSent(name) && (type !== 'link' || isSent(linkname ?? ''));
  if (type === 'directory') folders.enter(header);
  const content = { entry, look: (bytes: Buffer) => findings.look(name, bytes) };
  if (isAttributes(name) && !isSmall(header)) findings.suspectCommit();
  if (!isWanted) {
    if (isAttributes(name) && isSmall(header)) await readEntry(content);
    else entry.resume();
    return;
  }
  findings.see(header);
  for (const folder of folders.toSend()) await sendEntry(packing, folder);
  if (type === 'directory') entry.resume();
  else await sendEntry(packing, header, content);
}

/** What belongs to the context by the rules of `.dockerignore` and by what the Dockerfile can see. */
function createFilter({ ignores, visible = { all: true } }: ContextOptions) {
  const paths = visible.all ? undefined : new Set(visible.paths);
  return (path: string): boolean => {
    if (path === ignoreName) return true;
    return (paths === undefined || liesIn(paths, path)) && !ignores?.(path);
  };
}

function liesIn(paths: ReadonlySet<string>, path: string): boolean {
  if (paths.has(path)) return true;
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    if (paths.has(path.slice(0, at))) return true;
  }
  return false;
}

const kept = new Set(['file', 'contiguous-file', 'directory', 'symlink', 'link']);

/**
 * The header in the context; undefined for what no repository holds, such as a device. GitLab gives modes
 * by a setting of its own, so they are those of a fresh clone. A hard link names its target as the archive does.
 */
function headerOf(header: Header, name: string): EntryHeader | undefined {
  const { type, linkname, mode = 0, size, mtime } = header;
  if (!kept.has(type ?? 'file')) return undefined;
  const isRunnable = type === 'directory' || (mode & 0o100) !== 0;
  return {
    ...{ name, type: type ?? 'file', size: size ?? 0, mode: isRunnable ? 0o755 : 0o644 },
    ...(mtime ? { mtime } : {}),
    ...(linkname
      ? { linkname: type === 'link' ? linkname.replace(/^[^/]*\//, '') : linkname }
      : {}),
  };
}

/** What the error of a context's stream means, also where a part of it broke before the whole. */
export function brokenArchive(error: unknown): RemoteError {
  if (error instanceof RemoteError) return error;
  return new RemoteError(`The archive from GitLab broke off: ${messageOf(error)}`, {
    code: 'E_ARCHIVE',
    cause: error,
  });
}
