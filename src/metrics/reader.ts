/** Reads the counters of one container from files that stay open, which costs a tenth of opening them. */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { RunningContainer } from '../core/node.ts';
import type { Limits } from '../core/sample.ts';
import { type CounterFile, type CounterFiles, counterFiles } from './cgroup-layout.ts';
import {
  type Counters,
  type CounterText,
  parseCpu,
  parseDisk,
  parseLimits,
  parseMemory,
  parseNetwork,
} from './counters.ts';

export interface Roots {
  /** Where cgroups are mounted. */
  cgroup: string;
  proc: string;
}

export interface Reader {
  limits: Limits;
  /** Undefined once the container has ended. */
  read(): Counters | undefined;
  /** Must be called: an open file of a container's network keeps that network alive. */
  close(): void;
}

interface OpenFile {
  fd: number;
  version: 1 | 2;
}

/** The longest of them has a line for each device or interface. */
const buffer = Buffer.alloc(64 * 1024);

/** Undefined when the container's first process is gone. */
export function openReader(container: RunningContainer, roots: Roots): Reader | undefined {
  const text = textOf(`${roots.proc}/${container.pid}/cgroup`);
  if (text === undefined) return undefined;
  const files = counterFiles({ root: roots.cgroup, text, container: container.id });
  const { cpu, memory, memoryStat, disk } = files;
  const network = `${roots.proc}/${container.pid}/net/dev`;
  const open = {
    cpu: openFirst(cpu),
    memory: openFirst(memory),
    memoryStat: openFirst(memoryStat),
    disk: openFirst(disk),
    network: container.hasOwnNetwork ? openFirst([{ path: network, version: 1 }]) : undefined,
  };
  return {
    limits: limitsOf(files),
    read: () => readAll(open),
    close() {
      for (const file of Object.values(open)) if (file) closeSync(file.fd);
    },
  };
}

type OpenFiles = Record<'cpu' | 'memory' | 'memoryStat' | 'disk' | 'network', OpenFile | undefined>;

/**
 * Reading is synchronous on purpose: the kernel answers in microseconds, and a thread's turn costs
 * many times that.
 */
function readAll({ cpu, memory, memoryStat, disk, network }: OpenFiles): Counters | undefined {
  try {
    // The group is asked first: it is gone at the end, while the network stays readable.
    const usage = read(cpu);
    const bytes = read(memory);
    const counters = {
      cpu: usage && parseCpu(usage),
      memory: bytes && parseMemory(bytes, read(memoryStat)),
      ...parsed(read(disk), parseDisk),
      ...parsed(read(network), ({ text }) => parseNetwork(text)),
    };
    return Object.fromEntries(Object.entries(counters).filter(([, value]) => value !== undefined));
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function parsed<T extends object>(text: CounterText | undefined, parse: (text: CounterText) => T) {
  return text ? parse(text) : {};
}

function read(file: OpenFile | undefined): CounterText | undefined {
  if (!file) return undefined;
  const length = readSync(file.fd, buffer, 0, buffer.length, 0);
  return { text: buffer.toString('latin1', 0, length), version: file.version };
}

function limitsOf({ cpuLimit, memoryLimit }: CounterFiles): Limits {
  const cpu = readFirst(cpuLimit);
  return parseLimits({
    cpu,
    cpuPeriod: cpu && textOf(join(dirname(cpu.path), 'cpu.cfs_period_us')),
    memory: readFirst(memoryLimit),
  });
}

function readFirst(files: CounterFile[]): (CounterText & { path: string }) | undefined {
  for (const { path, version } of files) {
    const text = textOf(path);
    if (text !== undefined) return { text, version, path };
  }
  return undefined;
}

function openFirst(files: CounterFile[]): OpenFile | undefined {
  for (const { path, version } of files) {
    try {
      return { fd: openSync(path, 'r'), version };
    } catch {
      // This host has it elsewhere, or not at all.
    }
  }
  return undefined;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENODEV' || code === 'ENOENT' || code === 'ESRCH';
}
