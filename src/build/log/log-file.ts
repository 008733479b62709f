/** A file that text is appended to, and that goes on after the disk was full. */
import { appendFile } from 'node:fs/promises';

export interface LogFile {
  append(text: string): void;
  /** Resolves when all is written that can be. */
  close(): Promise<void>;
}

/**
 * Never fails: what the disk did not take is left out, and a line in its place says so. What waits for a
 * slow disk is in memory, so that who appends has to bound it.
 */
export function openLogFile(path: string): LogFile {
  let waiting = '';
  /** Bytes that are missing behind what was written last. */
  let lost = 0;
  let writing: Promise<void> | undefined;

  async function writeAll(): Promise<void> {
    while (waiting !== '') {
      const text = waiting;
      waiting = '';
      const note =
        lost > 0 ? `\n[${lost} bytes are missing here: the disk did not take them]\n` : '';
      try {
        await appendFile(path, note + text, { mode: 0o640 });
        lost = 0;
      } catch {
        lost += Buffer.byteLength(text);
      }
    }
  }

  function start(): Promise<void> {
    writing ??= writeAll().finally(() => {
      writing = undefined;
      // Something may have come between the last look and this.
      if (waiting !== '') void start();
    });
    return writing;
  }

  return {
    append(text) {
      waiting += text;
      void start();
    },
    async close() {
      while (writing !== undefined) await writing;
    },
  };
}
