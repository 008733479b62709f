/** Lets a build begin only where there is room for it, so that no build takes its host down. */
import { readFile, statfs } from 'node:fs/promises';
import type { Docker } from '../clients/docker.ts';
import { NoRoomError } from '../core/errors.ts';

/** What must be free before a build begins. */
export interface Watermarks {
  /** Bytes. */
  memory: number;
  /** Of each disk that a build writes to: bytes, or a share of it from 0 to 1. */
  disk: { bytes: number } | { share: number };
}

/** What is free. */
export interface Room {
  /** Bytes that processes can have; undefined where the kernel does not say. */
  memory?: number;
  disks: Disk[];
}

export interface Disk {
  folder: string;
  free: number;
  size: number;
}

export interface Admission {
  /** @throws NoRoomError where there is too little of something. */
  admit(): Promise<void>;
}

export interface AdmissionOptions {
  watermarks: Watermarks;
  room: () => Promise<Room>;
  /** Asks for room to be made on the disk, and waits for nothing. */
  clean?: () => void;
}

export function createAdmission({ watermarks, room, clean }: AdmissionOptions): Admission {
  return {
    async admit() {
      const shortage = shortageOf(await room(), watermarks);
      if (shortage === undefined) return;
      if (shortage.of === 'disk') clean?.();
      throw new NoRoomError(shortage.text, { hint: shortage.hint });
    },
  };
}

interface Shortage {
  of: 'memory' | 'disk';
  text: string;
  hint: string;
}

/** What there is too little of; undefined where there is room. */
export function shortageOf({ memory, disks }: Room, wanted: Watermarks): Shortage | undefined {
  if (memory !== undefined && memory < wanted.memory) {
    return {
      of: 'memory',
      text: `${inWords(memory)} of memory are free and ${inWords(wanted.memory)} are needed`,
      hint: 'EKIDEN_BUILD_FREE_MEMORY says how much; fewer EKIDEN_BUILD_SLOTS use less.',
    };
  }
  const full = disks.find((disk) => disk.free < leastOf(disk, wanted.disk));
  if (full === undefined) return undefined;
  const needed = inWords(leastOf(full, wanted.disk));
  return {
    of: 'disk',
    text: `${inWords(full.free)} of the disk of ${full.folder} are free and ${needed} are needed`,
    hint: 'Make room, by ekiden clean or docker builder prune; EKIDEN_BUILD_FREE_DISK says how much is needed.',
  };
}

function leastOf({ size }: Disk, wanted: Watermarks['disk']): number {
  return 'bytes' in wanted ? wanted.bytes : wanted.share * size;
}

const units = ['MB', 'GB', 'TB'] as const;

/** Bytes with two digits that count, so that what is told changes seldom: 1.2 GB. */
function inWords(bytes: number): string {
  const steps = bytes < 1e9 ? 0 : bytes < 1e12 ? 1 : 2;
  const value = bytes / 1e6 / 1000 ** steps;
  return `${value < 10 ? Number(value.toFixed(1)) : Math.round(value)} ${units[steps]}`;
}

/** As the setting is written: `5%`, or MiB. */
export function parseDiskWatermark(text: string): Watermarks['disk'] {
  if (text.endsWith('%')) return { share: Number(text.slice(0, -1)) / 100 };
  return { bytes: Number(text) * 1024 ** 2 };
}

/**
 * Reads what is free on the host of a daemon that is this machine's; another machine's cannot be seen,
 * and has room for all that is known here.
 */
export function roomOf({ docker, data }: { docker: Docker; data: string }): () => Promise<Room> {
  return async () => {
    const { DockerRootDir } = (await docker.info()) as { DockerRootDir?: string };
    const folders = [...(DockerRootDir ? [DockerRootDir] : []), data];
    const disks = (await Promise.all(folders.map(diskOf))).flat();
    const memory = await freeMemory();
    return { disks, ...(memory === undefined ? {} : { memory }) };
  };
}

/** Nothing where the folder is not on this machine, as from within a container. */
async function diskOf(folder: string): Promise<Disk[]> {
  const found = await statfs(folder).catch(() => undefined);
  if (!found) return [];
  const { bavail, blocks, bsize } = found;
  return [{ folder, free: bavail * bsize, size: blocks * bsize }];
}

async function freeMemory(): Promise<number | undefined> {
  return parseFreeMemory(await readFile('/proc/meminfo', 'utf8').catch(() => ''));
}

/** Bytes that the kernel thinks it can give to new processes without swapping. */
export function parseFreeMemory(text: string): number | undefined {
  const kibibytes = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}
