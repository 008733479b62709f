/** The log of a build: a file that grows while the build runs. */
import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';

export interface BuildLog {
  write(text: string): void;
  close(): Promise<void>;
}

export interface BuildLogs {
  /** Opens the log for appending. */
  open(build: string): Promise<BuildLog>;
  /** What the build said so far; undefined when it said nothing on this machine. */
  read(build: string): Promise<string | undefined>;
}

/** Logs grow to this size, then say that they were cut. */
const sizeLimit = 64 * 1024 * 1024;

export function createBuildLogs(folder: string): BuildLogs {
  const fileOf = (build: string) => join(folder, `${build}.log`);

  return {
    async open(build) {
      await mkdir(folder, { recursive: true });
      const stream = createWriteStream(fileOf(build), { flags: 'a', mode: 0o640 });
      // A full disk must not end the build role; the build itself tells of it.
      stream.on('error', () => undefined);
      let size = 0;
      return {
        write(text) {
          if (size > sizeLimit) return;
          size += text.length;
          stream.write(size > sizeLimit ? '\n[the log was cut here]\n' : text);
        },
        async close() {
          stream.end();
          await finished(stream).catch(() => undefined);
        },
      };
    },
    async read(build) {
      if (!/^[a-z0-9-]+$/.test(build)) return undefined;
      return readFile(fileOf(build), 'utf8').catch(() => undefined);
    },
  };
}
