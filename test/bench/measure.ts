/** Reads from /proc what a process has used, and sums up what was measured. */
import { readFile, writeFile } from 'node:fs/promises';

/** Clock ticks of a second in /proc/PID/stat: always 100 on Linux for who reads it. */
const ticksPerSecond = 100;

/** Microseconds of CPU, user and system, that the process has used. */
export async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name may hold blanks; behind its bracket the third field is the first (see proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000_000) / ticksPerSecond;
}

/** Bytes of memory in proportion to how many processes share them. */
export async function pssOf(pid: number): Promise<number> {
  return await readKiB(`/proc/${pid}/smaps_rollup`, 'Pss');
}

export async function rssOf(pid: number): Promise<number> {
  return await readKiB(`/proc/${pid}/status`, 'VmRSS');
}

/** The most that the process has had since `forgetPeak`, in bytes. */
export async function peakOf(pid: number): Promise<number> {
  return await readKiB(`/proc/${pid}/status`, 'VmHWM');
}

export async function forgetPeak(pid: number): Promise<void> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
}

async function readKiB(file: string, field: string): Promise<number> {
  const [, kibibytes] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(
    await readFile(file, 'utf8'),
  ) ?? [undefined, Number.NaN];
  return Number(kibibytes) * 1024;
}

/** The smallest value that at least this share of all does not exceed. */
export function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export function median(values: number[]): number {
  return quantile(values, 0.5);
}
