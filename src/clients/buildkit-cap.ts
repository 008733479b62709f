/**
 * One limit over all that BuildKit runs: it ignores those of a single build without a word, but has
 * all its commands in one cgroup, `/docker/buildkit`.
 */
import { constants } from 'node:fs';
import { access, mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { isLocalDocker } from '../core/docker-host.ts';
import { messageOf } from '../core/errors.ts';
import type { Docker } from './docker.ts';

/** What all builds of a host together may use. */
export interface Cap {
  /** Bytes. */
  memory?: number;
  cpus?: number;
}

export interface CapOptions {
  docker: Docker;
  /** DOCKER_HOST. */
  dockerHost: string;
  cap: Cap;
  /** Where cgroups are mounted. */
  root?: string;
}

const infoSchema = z.object({
  CgroupDriver: z.string().default('cgroupfs'),
  CgroupVersion: z.string().default('1'),
});

/** The cgroup of BuildKit in a daemon that makes its cgroups itself. */
const folder = 'docker/buildkit';

/** Microseconds over which the kernel counts the time of processors. */
const cpuPeriod = 100_000;

/** A file of the kernel and what is written to it. */
export interface CapFile {
  path: string;
  text: string;
  /** True where the kernel may lack it, and does without. */
  isOptional?: boolean;
}

/** What has to be written, in this order; pure. */
export function capFiles({ root, version, cap }: { root: string; version: string; cap: Cap }) {
  return version === '2' ? filesOfV2(root, cap) : filesOfV1(root, cap);
}

function filesOfV1(root: string, { memory, cpus }: Cap): CapFile[] {
  const inMemory = `${root}/memory/${folder}/memory`;
  const inCpu = `${root}/cpu/${folder}/cpu`;
  return [
    ...(memory === undefined ? [] : [{ path: `${inMemory}.limit_in_bytes`, text: `${memory}` }]),
    ...(memory === undefined
      ? []
      : [{ path: `${inMemory}.memsw.limit_in_bytes`, text: `${memory}`, isOptional: true }]),
    ...(cpus === undefined
      ? []
      : [
          { path: `${inCpu}.cfs_period_us`, text: `${cpuPeriod}` },
          { path: `${inCpu}.cfs_quota_us`, text: `${Math.round(cpus * cpuPeriod)}` },
        ]),
  ];
}

function filesOfV2(root: string, { memory, cpus }: Cap): CapFile[] {
  const inside = `${root}/${folder}`;
  const cpu = `${Math.round((cpus ?? 0) * cpuPeriod)} ${cpuPeriod}`;
  return [
    // A group has the controllers that those above it hand down.
    ...[root, dirname(inside)].map((each) => ({
      path: `${each}/cgroup.subtree_control`,
      text: '+memory +cpu',
    })),
    ...(memory === undefined ? [] : [{ path: `${inside}/memory.max`, text: `${memory}` }]),
    ...(memory === undefined
      ? []
      : [{ path: `${inside}/memory.swap.max`, text: '0', isOptional: true }]),
    ...(cpus === undefined ? [] : [{ path: `${inside}/cpu.max`, text: cpu }]),
  ];
}

/** Limits what BuildKit runs; answers why it cannot, or nothing. */
export async function capBuildKit(options: CapOptions): Promise<string | undefined> {
  const { cap, root = '/sys/fs/cgroup' } = options;
  const { version, obstacle } = await lookAtCgroup(options);
  if (obstacle !== undefined) return obstacle;
  try {
    for (const file of capFiles({ root, version, cap })) await write(file);
    return undefined;
  } catch (error) {
    return `its cgroup cannot be changed: ${messageOf(error)}`;
  }
}

/** Which cgroups the host has, and why nothing here can limit what BuildKit of this daemon runs, if so. */
export async function lookAtCgroup(
  options: Omit<CapOptions, 'cap'>,
): Promise<{ version: string; obstacle?: string }> {
  const { docker, dockerHost, root = '/sys/fs/cgroup' } = options;
  const info = infoSchema.parse(await docker.info());
  const { CgroupVersion: version, CgroupDriver: driver } = info;
  if (!isLocalDocker(dockerHost)) return { version, obstacle: 'the daemon is on another machine' };
  if (driver !== 'cgroupfs') {
    return { version, obstacle: `the cgroups of the daemon are made by ${driver}` };
  }
  const mount = version === '2' ? root : `${root}/memory`;
  const isOurs = await access(mount, constants.W_OK).then(
    () => true,
    () => false,
  );
  return isOurs ? { version } : { version, obstacle: `${mount} cannot be written by this user` };
}

async function write({ path, text, isOptional = false }: CapFile): Promise<void> {
  try {
    // The kernel makes the files of a group with its folder; BuildKit adopts one that is there.
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { flag: 'r+' });
  } catch (error) {
    if (!isOptional) throw error;
  }
}
