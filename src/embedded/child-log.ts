/** What a child prints: kept over its restarts, and bounded. */
import { copyFile, open, stat, truncate } from 'node:fs/promises';

const longest = 16 * 1024 * 1024;

/**
 * Moves what a log holds to `<file>.1` when that is more than 16 MiB. The child appends, so that it
 * goes on at the start of the same file. Answers the bytes that the log holds now.
 */
export async function boundLog(file: string): Promise<number> {
  const size = (await stat(file).catch(() => undefined))?.size ?? 0;
  if (size <= longest) return size;
  await copyFile(file, `${file}.1`);
  await truncate(file);
  return 0;
}

/** The last bytes of the log, `most` of them, of what was written behind byte `from`. */
export async function endOfLog(
  file: string,
  { from, most }: { from: number; most: number },
): Promise<string> {
  const log = await open(file, 'r');
  try {
    const { size } = await log.stat();
    const start = Math.max(size - most, size < from ? 0 : from);
    const { buffer, bytesRead } = await log.read(Buffer.alloc(size - start), { position: start });
    return buffer.toString('utf8', 0, bytesRead).trim();
  } finally {
    await log.close();
  }
}
