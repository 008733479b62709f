/** The private registry: known by its mark, and with a secret that it keeps. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { silent } from '../../src/core/log.ts';
import { startRegistry } from '../../src/embedded/registry.ts';
import { freeAddresses } from '../demo/free-ports.ts';
import { makeFolder } from '../support/redis.ts';

async function start(listen: string) {
  const data = await makeFolder();
  const env = { PATH: process.env['PATH'] };
  const registry = await startRegistry({ data, env, listen, install: 'test', log: silent });
  onTestFinished(() => registry.stop());
  return join(data, 'registry/registry.json');
}

test('no answer holds its secret, which only the owner may read', async () => {
  const [listen = ''] = await freeAddresses(1);
  const file = await start(listen);
  const { http } = JSON.parse(await readFile(file, 'utf8'));
  expect(http.secret).toMatch(/^[0-9a-f]{64}$/);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const { headers } = await fetch(`http://${listen}/v2/`);
  const told = JSON.stringify([...headers]);
  expect(told).toContain(http.headers['x-ekiden-registry'][0]);
  expect(told).not.toContain(http.secret);
});

test('another registry on the port is not taken for this one', async () => {
  const [listen = ''] = await freeAddresses(1);
  await start(listen);
  await expect(start(listen)).rejects.toThrow('registry does not start');
});
