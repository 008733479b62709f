/** The disk that archives are kept on is slow, or tells late that it is full: no build is kept from going on. */
import { open as openFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { openRig, type Rig, tar } from './rig.ts';

let folder: Rig['folder'];
let open: Rig['open'];
let kept: Rig['kept'];

beforeEach(async () => {
  ({ folder, open, kept } = await openRig());
});

/** What asks the disk to be done with a file. */
async function spyOnSync() {
  const handle = await openFile(join(folder, 'any.part'), 'w');
  await handle.close();
  const sync = vi.spyOn(Object.getPrototypeOf(handle), 'datasync');
  onTestFinished(() => sync.mockRestore());
  return sync;
}

it('an archive ends before its file is safe on a slow disk', async () => {
  const sync = await spyOnSync();
  let isSafe = () => {};
  sync.mockReturnValue(
    new Promise<void>((resolve) => {
      isSafe = resolve;
    }),
  );
  const archives = open();
  const reading = buffer(await archives.read());
  archives.sent[0]?.end(tar);
  expect((await reading).equals(tar)).toBe(true);
  expect(await kept()).toEqual([]);
  isSafe();
  await expect.poll(kept).toEqual([expect.stringMatching(/\.tar$/)]);
});

it('an archive goes on where the disk tells only at the end that it is full', async () => {
  const sync = await spyOnSync();
  sync.mockRejectedValue(Object.assign(new Error('no space left'), { code: 'ENOSPC' }));
  const archives = open();
  const reading = buffer(await archives.read());
  archives.sent[0]?.end(tar);
  expect((await reading).equals(tar)).toBe(true);
  await expect.poll(() => readdir(folder)).toEqual(['any.part']);
});
