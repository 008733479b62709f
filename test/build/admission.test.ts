/** When a host has room for another build, and what is said when it has not. */
import { expect, test } from 'vitest';
import {
  createAdmission,
  parseDiskWatermark,
  parseFreeMemory,
  type Room,
  roomOf,
  shortageOf,
} from '../../src/build/admission.ts';
import { connectDocker } from '../../src/clients/docker.ts';

const mebibyte = 1024 ** 2;
const disk = (free: number, size = 1e12, folder = '/var/lib/docker') => ({ folder, free, size });
const watermarks = { memory: 256 * mebibyte, disk: { bytes: 5e9 } };

test.each<{ name: string; room: Room; share?: number; text?: string }>([
  { name: 'room', room: { memory: 1e9, disks: [disk(6e9)] } },
  { name: 'nothing known', room: { disks: [] } },
  {
    name: 'little memory',
    room: { memory: 100e6, disks: [disk(6e9)] },
    text: '100 MB of memory are free and 268 MB are needed',
  },
  {
    name: 'a full disk',
    room: { memory: 1e9, disks: [disk(6e9), disk(1.24e9, 1e12, '/data')] },
    text: '1.2 GB of the disk of /data are free and 5 GB are needed',
  },
  {
    name: 'a share of a disk',
    room: { disks: [disk(99e9)] },
    share: 0.1,
    text: '99 GB of the disk of /var/lib/docker are free and 100 GB are needed',
  },
  { name: 'more than a share', room: { disks: [disk(101e9)] }, share: 0.1 },
])('$name', ({ room, share, text }) => {
  const wanted = share === undefined ? watermarks : { ...watermarks, disk: { share } };
  expect(shortageOf(room, wanted)?.text).toBe(text);
});

test('who finds no room is told what lacks, and room is made on the disk', async () => {
  let cleaned = 0;
  const clean = () => {
    cleaned += 1;
  };
  const admission = (room: Room) => createAdmission({ watermarks, room: async () => room, clean });
  await admission({ disks: [disk(6e9)] }).admit();
  const refusal = { code: 'E_NO_ROOM', name: 'NoRoomError' };
  await expect(admission({ memory: 1, disks: [] }).admit()).rejects.toMatchObject(refusal);
  expect(cleaned).toBe(0);
  await expect(admission({ disks: [disk(1)] }).admit()).rejects.toMatchObject(refusal);
  expect(cleaned).toBe(1);
});

test.each([
  ['5%', { share: 0.05 }],
  ['0.5%', { share: 0.005 }],
  ['2048', { bytes: 2048 * mebibyte }],
  ['0', { bytes: 0 }],
])('the setting %s', (text, watermark) => {
  expect(parseDiskWatermark(text)).toEqual(watermark);
});

test('what the kernel says of memory', () => {
  const text = 'MemTotal:       24683748 kB\nMemFree: 1 kB\nMemAvailable:   23553484 kB\n';
  expect(parseFreeMemory(text)).toBe(23_553_484 * 1024);
  expect(parseFreeMemory('')).toBeUndefined();
});

test("the room of this machine, and of its daemon's folder", async () => {
  const docker = connectDocker(process.env['DOCKER_HOST']);
  const { memory, disks } = await roomOf({ docker, data: '/' })();
  expect(memory).toBeGreaterThan(0);
  expect(disks.length).toBeGreaterThanOrEqual(1);
  for (const { free, size } of disks) expect(free).toBeLessThanOrEqual(size);
  const missing = await roomOf({ docker, data: '/no/such/folder' })();
  expect(missing.disks.map(({ folder }) => folder)).not.toContain('/no/such/folder');
});
