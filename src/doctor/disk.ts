/** Checks that there is room on the disks that Ekiden and Docker write to. */
import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { connectDocker } from '../clients/docker.ts';
import { messageOf } from '../core/errors.ts';
import { asRoot, type Check, failed, fine, type Outcome, skipped, warned } from './check.ts';
import { dockerInfo } from './docker.ts';

const gibibyte = 1024 ** 3;
const least = gibibyte;
const enough = 5 * gibibyte;
const enoughShare = 0.1;

export function checkDataFolder(data: string): Check {
  return {
    name: 'Data folder',
    async run() {
      const folder = await nearestFolder(data);
      try {
        await access(folder, constants.W_OK);
      } catch (error) {
        const mend = `${asRoot(`install -d -o $USER ${data}`)}, or set EKIDEN_DATA`;
        return failed(`${data} cannot be written: ${messageOf(error)}`, mend);
      }
      return judgeSpace(data, await spaceOf(folder), 'Make room, or set EKIDEN_DATA.');
    },
  };
}

export function checkDockerFolder(dockerHost: string): Check {
  return {
    name: 'Docker folder',
    async run() {
      const info = await dockerInfo(connectDocker(dockerHost)).catch(() => undefined);
      if (info === undefined) return skipped('Docker is not reached');
      const { DockerRootDir: folder } = info;
      const space = await spaceOf(folder).catch(() => undefined);
      if (space === undefined) return skipped(`${folder} is not on this machine`);
      return judgeSpace(folder, space, 'docker system prune');
    },
  };
}

interface Space {
  free: number;
  all: number;
}

async function spaceOf(folder: string): Promise<Space> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return { free: bavail * bsize, all: blocks * bsize };
}

export function judgeSpace(folder: string, { free, all }: Space, hint: string): Outcome {
  const share = all === 0 ? 0 : free / all;
  const found = `${folder}: ${(free / gibibyte).toFixed(1)} GiB free (${Math.round(share * 100)} %)`;
  if (free < least) return failed(found, hint);
  return free < enough || share < enoughShare ? warned(found, hint) : fine(found);
}

/** The folder itself, or what is there of the way to it. */
async function nearestFolder(folder: string): Promise<string> {
  const isThere = await access(folder).then(
    () => true,
    () => false,
  );
  return isThere || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}
