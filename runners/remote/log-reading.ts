/** Reads a log from a number of lines before its end, and goes on with it where that is wanted. */
import type { RemoteLog } from '../../src/remote.ts';
import type { LogPrinter } from './log-printer.ts';

export interface Reading {
  /** Lines before the end, Infinity for all. */
  tail: number;
  follow: boolean;
  signal: AbortSignal;
  /** Called where there is no such log yet, and it is waited for. */
  onAbsent?: () => void;
}

/** How much is asked for at first, and at most, to find so many lines. */
const firstLook = 64 * 1024;
const lastLook = 16 * 1024 * 1024;

/** Answers false where there is no such log; one that is followed is waited for. */
export async function readLog(
  log: RemoteLog,
  printer: LogPrinter,
  { tail, follow, signal, onAbsent }: Reading,
): Promise<boolean> {
  const start = Number.isFinite(tail) ? await lastLines(log, tail) : undefined;
  if (Number.isFinite(tail) && !start) {
    if (!follow) return false;
    onAbsent?.();
  }
  if (start) await printer.add(start.bytes);
  if (follow) {
    for await (const part of log.follow(start?.end ?? 0, signal)) await printer.add(part);
  } else if (!start) {
    const bytes = await log.read();
    if (!bytes) return false;
    for await (const chunk of bytes) await printer.add(chunk);
  }
  await printer.end();
  return true;
}

async function lastLines(log: RemoteLog, lines: number) {
  for (let size = firstLook; ; size *= 4) {
    const found = await log.tail(size);
    if (!found) return undefined;
    const begin = startOfLines(found.bytes, lines);
    const isEnough = begin > 0 || found.bytes.length < size || size >= lastLook;
    if (isEnough) return { bytes: found.bytes.subarray(begin), end: found.end };
  }
}

/** Where the last lines begin; 0 where there are fewer of them. */
export function startOfLines(bytes: Buffer, lines: number): number {
  const newline = 0x0a;
  let at = bytes.at(-1) === newline ? bytes.length - 1 : bytes.length;
  if (lines === 0) return bytes.length;
  for (let left = lines; left > 0 && at > 0; left -= 1) {
    at = bytes.lastIndexOf(newline, at - 1);
    if (at < 0) return 0;
  }
  return at === 0 ? 0 : at + 1;
}
