/** Disks that are really full: of the registry, and of the Docker host in mid-build, with either builder. */
import { execFile } from 'node:child_process';
import { mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAdmission, roomOf } from '../../src/build/admission.ts';
import { connectDocker, type Docker } from '../../src/clients/docker.ts';
import { createRegistry } from '../../src/clients/registry.ts';
import { childEnvironment } from '../../src/config.ts';
import { silent } from '../../src/core/log.ts';
import { startRegistry } from '../../src/embedded/registry.ts';
import { freePort } from '../demo/free-ports.ts';
import { type OwnDockerd, startOwnDockerd } from '../flow/own-dockerd.ts';
import { setting } from '../flow/stage.ts';
import { createBuilding } from './reuse/building.ts';
import { type Host, startHost } from './rig.ts';

const run = promisify(execFile);
const mebibyte = 1024 ** 2;
const parent = process.env['EKIDEN_TEST_DATA'] ?? tmpdir();

/** A disk of its own, which is left by all before it is closed. */
async function openDisk(mebibytes: number) {
  const folder = await mkdtemp(join(parent, 'full-'));
  await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', folder]);
  const ballast = join(folder, 'ballast');
  return {
    folder,
    free: async () => (await statfs(folder)).bavail * (await statfs(folder)).bsize,
    async fill() {
      const file = await open(ballast, 'a');
      const piece = Buffer.alloc(1 << 12);
      // Until the disk takes no more of it.
      while ((await file.write(piece).catch(() => ({ bytesWritten: 0 }))).bytesWritten > 0);
      await file.close();
    },
    giveBack: () => rm(ballast),
    async close() {
      await run('umount', ['--lazy', folder]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Disk = Awaited<ReturnType<typeof openDisk>>;

it('of the registry: it is said to be full, and takes images again with room', async () => {
  const disk = await openDisk(8);
  const listen = `127.0.0.1:${await freePort()}`;
  const running = await startRegistry({
    ...{ data: disk.folder, install: 'full', log: silent, env: childEnvironment(), listen },
  });
  const registry = createRegistry();
  const repository = { host: listen, path: 'full/app' };
  try {
    await disk.fill();
    await expect(registry.tryUpload(repository)).rejects.toMatchObject({
      ...{ code: 'E_REGISTRY_FULL', retryable: true },
      message: `The disk of the registry ${listen} is full.`,
    });
    await disk.giveBack();
    await registry.tryUpload(repository);
  } finally {
    await registry.close();
    await running.stop();
    await disk.close();
  }
});

describe('of the Docker host', () => {
  let host: Host;
  let disk: Disk;
  let dockerd: OwnDockerd;
  let docker: Docker;

  beforeAll(async () => {
    host = await startHost({ archivesPerMinute: 0 });
    disk = await openDisk(48);
    process.env['EKIDEN_TEST_DATA'] = disk.folder;
    const images = [setting('EKIDEN_TEST_BUSYBOX')];
    dockerd = await startOwnDockerd(setting('DOCKER_HOST'), images).finally(() => {
      process.env['EKIDEN_TEST_DATA'] = parent;
    });
    docker = connectDocker(dockerd.host, { keepAlive: false });
  });
  afterAll(async () => {
    await dockerd?.stop();
    await disk?.close();
    await host?.stop();
  });

  it.each(['classic', 'buildkit'] as const)(
    '%s: the build says so, and leaves nothing',
    async (builder) => {
      const buildHost = { docker, registry: '127.0.0.1:1', install: 'full', labels: {}, from: '' };
      const building = createBuilding(
        { ...buildHost, containers: async () => [], stop: async () => undefined },
        await host.fresh(),
      );
      const before = await disk.free();
      const { record, log } = await building.build(
        {
          Dockerfile: `FROM ${setting('EKIDEN_TEST_BUSYBOX')}\nRUN dd if=/dev/zero of=/big bs=1M\n`,
        },
        { builder },
      );
      expect(record?.state).toBe('failed');
      expect(record?.reason).toMatch(
        /^Dockerfile:2: The disk of the Docker host is full: The command '.*' returned/,
      );
      expect(log).toContain('hint: Free room on the Docker host');
      expect(await docker.listContainers({ all: true })).toEqual([]);
      await expect.poll(disk.free).toBeGreaterThan(before - mebibyte);
    },
  );

  it('no build begins, the reason names the folder, and room is asked for', async () => {
    let cleanings = 0;
    const { admit } = createAdmission({
      watermarks: { memory: 0, disk: { bytes: 8 * mebibyte } },
      room: roomOf({ docker, data: parent }),
      clean() {
        cleanings += 1;
      },
    });
    await admit();
    await disk.fill();
    await expect(admit()).rejects.toMatchObject({
      code: 'E_NO_ROOM',
      message: expect.stringMatching(`^0 MB of the disk of ${disk.folder}/.* are free and 8.4 MB`),
    });
    expect(cleanings).toBe(1);
    await disk.giveBack();
    await admit();
  });
});
