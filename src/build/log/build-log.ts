/** The log of a build: a file that grows while the build runs. */
import { type FileHandle, mkdir, open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createMasker, mask } from '../../core/secret.ts';
import { openLogFile } from './log-file.ts';

export interface BuildLog {
  write(text: string): void;
  /** From now on these values are taken out of what is written, also where they come in pieces. */
  hide(values: Iterable<string>): void;
  /** `text` without what is to be hidden. */
  masked(text: string): string;
  close(): Promise<void>;
}

export interface BuildLogs {
  /** Opens the log for appending. */
  open(build: string): Promise<BuildLog>;
  /** What the build said so far; undefined when it said nothing on this machine. */
  read(build: string): Promise<string | undefined>;
  /** The end of that, at most so many bytes of it; it begins with a whole character. */
  tail(build: string, bytes: number): Promise<string | undefined>;
  /** That as UTF-8, however long; whoever takes the stream reads it to its end or destroys it. */
  stream(build: string): Promise<Readable | undefined>;
}

/** Bytes that a log grows to, over all tries of its build; then it says that it was cut. */
const sizeLimit = 64 * 1024 * 1024;

export function createBuildLogs(folder: string): BuildLogs {
  const fileOf = (build: string) => join(folder, `${build}.log`);

  return {
    async open(build) {
      await mkdir(folder, { recursive: true });
      return openLog(fileOf(build));
    },
    async read(build) {
      if (!isId(build)) return undefined;
      return readFile(fileOf(build), 'utf8').catch(() => undefined);
    },
    async tail(build, bytes) {
      const log = isId(build) ? await openFile(fileOf(build)) : undefined;
      if (!log) return undefined;
      try {
        return await readEnd(log, bytes);
      } finally {
        await log.file.close();
      }
    },
    async stream(build) {
      const log = isId(build) ? await openFile(fileOf(build)) : undefined;
      return log?.file.createReadStream();
    },
  };
}

async function openLog(path: string): Promise<BuildLog> {
  let size = await stat(path).then(
    (file) => file.size,
    () => 0,
  );
  const file = openLogFile(path);
  const append = (text: string) => {
    if (text === '' || size > sizeLimit) return;
    size += Buffer.byteLength(text);
    file.append(size > sizeLimit ? '\n[the log was cut here]\n' : text);
  };
  const hidden = new Set<string>();
  let masker = createMasker(hidden);
  return {
    write: (text) => append(masker.write(text)),
    hide(values) {
      append(masker.end());
      for (const value of values) hidden.add(value);
      masker = createMasker(hidden);
    },
    masked: (text) => mask(text, hidden),
    async close() {
      append(masker.end());
      await file.close();
    },
  };
}

/** What may be the name of a build, and is no way out of the folder. */
function isId(build: string): boolean {
  return /^[a-z0-9-]+$/.test(build);
}

interface OpenFile {
  file: FileHandle;
  size: number;
}

async function openFile(path: string): Promise<OpenFile | undefined> {
  const file = await open(path).catch(() => undefined);
  const state = await file?.stat();
  if (file && state?.isFile()) return { file, size: state.size };
  await file?.close();
  return undefined;
}

async function readEnd({ file, size }: OpenFile, bytes: number): Promise<string> {
  const length = Math.min(bytes, size);
  const { buffer, bytesRead } = await file.read({
    buffer: Buffer.alloc(length),
    position: size - length,
  });
  const end = buffer.subarray(0, bytesRead);
  const start = length < size ? end.findIndex((byte) => !isContinuation(byte)) : 0;
  return start < 0 ? '' : end.toString('utf8', start);
}

/** Bytes 10xxxxxx go on with a character of UTF-8 (RFC 3629). */
function isContinuation(byte: number): boolean {
  return byte >> 6 === 0b10;
}
