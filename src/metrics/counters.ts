/** Reads the texts in which the kernel counts, and turns two readings into values of a Sample; pure. */
import type { Limits, MetricName } from '../core/sample.ts';

/** What was counted since the container began, but for memory, which is of now; absent where nothing counts. */
export interface Counters {
  /** Seconds. */
  cpu?: number;
  /** Bytes that cannot be given back at once: without the files that are cached and not in use. */
  memory?: number;
  diskRead?: number;
  diskWrite?: number;
  networkReceive?: number;
  networkSend?: number;
}

/** A text of a file, and the version of cgroups that it is of. */
export interface CounterText {
  text: string;
  version: 1 | 2;
}

export function parseCpu({ text, version }: CounterText): number | undefined {
  if (version === 1) return divided(numberIn(text, /^(\d+)/), 1e9);
  return divided(numberIn(text, /^usage_usec (\d+)/m), 1e6);
}

export function parseMemory(usage: CounterText, stat: CounterText | undefined): number | undefined {
  const bytes = numberIn(usage.text, /^(\d+)/);
  if (bytes === undefined) return undefined;
  const idle = stat?.version === 1 ? /^total_inactive_file (\d+)/m : /^inactive_file (\d+)/m;
  return Math.max(0, bytes - (numberIn(stat?.text ?? '', idle) ?? 0));
}

/** The sums over all devices. */
export function parseDisk({
  text,
  version,
}: CounterText): Pick<Counters, 'diskRead' | 'diskWrite'> {
  const [read, write] =
    version === 1
      ? [/^\d+:\d+ Read (\d+)/gm, /^\d+:\d+ Write (\d+)/gm]
      : [/\brbytes=(\d+)/g, /\bwbytes=(\d+)/g];
  return { diskRead: sumOf(text, read), diskWrite: sumOf(text, write) };
}

/** The sums over all interfaces but the loopback; of /proc/<pid>/net/dev. */
export function parseNetwork(text: string): Pick<Counters, 'networkReceive' | 'networkSend'> {
  const interfaces = [...text.matchAll(/^\s*([^\s:]+):\s*(\d+)(?:\s+\d+){7}\s+(\d+)/gm)];
  const others = interfaces.filter(([, name]) => name !== 'lo');
  return {
    networkReceive: others.reduce((sum, [, , bytes]) => sum + Number(bytes), 0),
    networkSend: others.reduce((sum, [, , , bytes]) => sum + Number(bytes), 0),
  };
}

/** More than this is how v1 writes that there is no limit. */
const noLimit = 2 ** 60;

export interface LimitTexts {
  cpu?: CounterText | undefined;
  /** Of v1 alone, where the quota and its period are two files. */
  cpuPeriod?: string | undefined;
  memory?: CounterText | undefined;
}

export function parseLimits({ cpu, cpuPeriod, memory }: LimitTexts): Limits {
  const [quota, period] = (cpu?.version === 2 ? cpu.text : `${cpu?.text ?? ''} ${cpuPeriod ?? ''}`)
    .trim()
    .split(/\s+/)
    .map(Number);
  const bytes = numberIn(memory?.text ?? '', /^(\d+)/);
  return {
    ...(quota && period && quota > 0 ? { cpu: quota / period } : {}),
    ...(bytes !== undefined && bytes < noLimit ? { memory: bytes } : {}),
  };
}

export interface Reading {
  /** Milliseconds on a clock that never jumps. */
  at: number;
  counters: Counters;
}

const rates = ['cpu', 'diskRead', 'diskWrite', 'networkReceive', 'networkSend'] as const;

/** Rates between two readings; null where one of them has no count, or the count began again. */
export function sampleOf(before: Reading, now: Reading): Record<MetricName, number | null> {
  const seconds = (now.at - before.at) / 1000;
  const rateOf = (name: (typeof rates)[number]) => {
    const [from, to] = [before.counters[name], now.counters[name]];
    if (from === undefined || to === undefined || to < from || seconds <= 0) return null;
    return (to - from) / seconds;
  };
  const values = Object.fromEntries(rates.map((name) => [name, rateOf(name)]));
  return { ...values, memory: now.counters.memory ?? null } as Record<MetricName, number | null>;
}

function numberIn(text: string, pattern: RegExp): number | undefined {
  const digits = pattern.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function divided(count: number | undefined, by: number): number | undefined {
  return count === undefined ? undefined : count / by;
}

function sumOf(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((sum, [, digits]) => sum + Number(digits), 0);
}
