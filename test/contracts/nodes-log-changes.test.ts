/** A log file that changes between its head and its bytes, which a node is asked for one after the other. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { throughServer } from '../logs/remote.ts';
import { instance, makeSandbox } from '../logs/rig.ts';

test.each([
  ['truncated', (file: string) => writeFile(file, '')],
  ['removed', (file: string) => rm(file)],
])('one that is %s meanwhile says so, to whoever reads it', async (_, change) => {
  const sandbox = await makeSandbox();
  const file = join(sandbox.folder, 'logs/app.log');
  await writeFile(file, '0123456789');
  const { client } = await throughServer(sandbox);
  const opened = await client.logFiles.open(instance, 'logs/app.log', { start: 4 });
  await change(file);
  const read = async () => {
    for await (const chunk of opened?.bytes ?? []) expect(chunk).toBeUndefined();
  };
  await expect(read()).rejects.toMatchObject({ code: 'E_FILE_CHANGED', retryable: true });
});
