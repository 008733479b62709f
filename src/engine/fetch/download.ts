/** Copies one artifact into a file, from HTTP or from this machine; bounded in size and in silence. */
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Source } from './artifact.ts';

/** More than this is an image's business, and fills a disk. */
const MAX_BYTES = 4 * 1024 ** 3;

/** Mesos' `--fetcher_stall_timeout`. */
const STALL_MS = 60_000;

/** Resolves once the file is whole; what is thrown says why in words for the app's owner. */
export async function download(source: Source, path: string, signal: AbortSignal): Promise<void> {
  const stalled = new AbortController();
  const watch = setTimeout(() => stalled.abort(new Error('nothing came for 60 s')), STALL_MS);
  const either = AbortSignal.any([signal, stalled.signal]);
  try {
    const body = 'file' in source ? await openFile(source.file) : await openUrl(source.url, either);
    const target = createWriteStream(path, { mode: 0o644 });
    const sized = bounded(MAX_BYTES, () => watch.refresh());
    await pipeline(body, sized, target, { signal: either });
  } catch (error) {
    throw either.aborted ? either.reason : error;
  } finally {
    clearTimeout(watch);
  }
}

async function openFile(file: string): Promise<Readable> {
  const info = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw new Error(error.code === 'ENOENT' ? 'there is no such file' : String(error.code));
  });
  if (!info.isFile()) throw new Error('it is no file');
  return createReadStream(file);
}

async function openUrl(url: URL, signal: AbortSignal): Promise<Readable> {
  const { username, password } = url;
  const bare = new URL(url);
  bare.username = '';
  bare.password = '';
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const headers: Record<string, string> = username
    ? { authorization: `Basic ${Buffer.from(login).toString('base64')}` }
    : {};
  const response = await fetch(bare, { headers, signal }).catch((error: Error) => {
    // What fetch itself says is only that it failed.
    throw error.cause instanceof Error ? error.cause : error;
  });
  if (response.ok && response.body) return Readable.fromWeb(response.body);
  await response.body?.cancel();
  throw new Error(`it was answered with ${response.status} ${response.statusText}`.trim());
}

/** Passes on what comes, up to `maxBytes`. */
export function bounded(maxBytes: number, onBytes: () => void = () => undefined): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      onBytes();
      if (bytes > maxBytes) done(new Error(`it is larger than ${maxBytes} bytes`));
      else done(null, chunk);
    },
  });
}
