/** The one node that there is: its name, its attributes, and what it has to give. */
import { statfs } from 'node:fs/promises';
import type { Docker } from '../../clients/docker.ts';

/** Processors, megabytes, megabytes, devices. */
export interface Resources {
  cpus: number;
  mem: number;
  disk: number;
  gpus: number;
}

export interface Node {
  host: string;
  /** Values as constraints compare them, by name. */
  attributes: ReadonlyMap<string, string>;
  /** More than this no single instance can have. */
  whole: Resources;
  /** All instances together are promised no more than this. */
  sum: Resources;
}

export interface NodeOptions {
  docker: Docker;
  host: string;
  /** Folder of the sandboxes, whose disk is the node's. */
  data: string;
  attributes: ReadonlyMap<string, string>;
  /** What the node gives instead of what the machine has. */
  cpus?: number | undefined;
  mem?: number | undefined;
}

/**
 * Limits of memory are seldom reached by all at once, so more is promised than there is; see
 * docs/decisions/0026.
 */
const MEMORY_OVERCOMMIT = 4;

const MEGABYTE = 1024 * 1024;

/** Asks Docker for the size of the machine. Shares of processors only weigh, so they add up to no bound. */
export async function readNode(options: NodeOptions): Promise<Node> {
  const { docker, host, data, attributes } = options;
  const [info, disk] = await Promise.all([docker.info(), statfs(data)]);
  const machine = {
    cpus: Number(info.NCPU),
    mem: Math.floor(Number(info.MemTotal) / MEGABYTE),
    disk: Math.floor((disk.blocks * disk.bsize) / MEGABYTE),
    gpus: 0,
  };
  const cpus = options.cpus ?? machine.cpus;
  const mem = options.mem ?? machine.mem;
  return {
    host,
    attributes,
    whole: { ...machine, cpus, mem },
    sum: {
      cpus: options.cpus ?? Number.POSITIVE_INFINITY,
      mem: options.mem ?? machine.mem * MEMORY_OVERCOMMIT,
      disk: Number.POSITIVE_INFINITY,
      gpus: 0,
    },
  };
}

/** What one more instance can have beside those that are there. */
export function available({ whole, sum }: Node, used: Resources): Resources {
  const left = (name: keyof Resources) =>
    Math.max(0, Math.min(whole[name], sum[name] - used[name]));
  return { cpus: left('cpus'), mem: left('mem'), disk: left('disk'), gpus: left('gpus') };
}

/** Adds up what definitions ask for. */
export function totalOf(apps: Iterable<Resources>): Resources {
  const total = { cpus: 0, mem: 0, disk: 0, gpus: 0 };
  for (const { cpus, mem, disk, gpus } of apps) {
    total.cpus += cpus;
    total.mem += mem;
    total.disk += disk;
    total.gpus += gpus;
  }
  return total;
}
