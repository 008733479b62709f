/** The private registry: known by its mark, and with a secret that it keeps. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { createRegistry, digestOf } from '../../src/clients/registry.ts';
import { silent } from '../../src/core/log.ts';
import { startRegistry } from '../../src/embedded/registry.ts';
import { markGarbage } from '../../src/embedded/registry-garbage.ts';
import { freeAddresses } from '../demo/free-ports.ts';
import { makeFolder } from '../support/redis.ts';

const run = promisify(execFile);

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

test('what was deleted gives its room back at the next start, and what was not stays', async () => {
  const [listen = ''] = await freeAddresses(1);
  const data = await makeFolder();
  const options = {
    data,
    env: { PATH: process.env['PATH'] },
    listen,
    install: 'test',
    log: silent,
  };
  let registry = await startRegistry(options);
  onTestFinished(() => registry.stop());
  const client = createRegistry();
  onTestFinished(() => client.close());
  const repository = { host: listen, path: 'a/b' };
  const bytesOf = async () => (await run('du', ['-sb', join(data, 'registry/data')])).stdout;

  const [kept, gone] = [await pushBlob(listen, 'kept'), await pushBlob(listen, 'gone')];
  const before = Number.parseInt(await bytesOf(), 10);
  expect(await client.delete(repository, gone)).toBe(true);
  await registry.stop();
  registry = await startRegistry(options);
  expect(Number.parseInt(await bytesOf(), 10)).toBeGreaterThan(before - 100_000);

  await markGarbage(data);
  await registry.stop();
  registry = await startRegistry(options);
  expect(Number.parseInt(await bytesOf(), 10)).toBeLessThan(before - 200_000);
  expect(await client.digest(repository, kept)).toBe(kept);
  expect(await access(join(data, 'registry/collect')).catch(() => 'none')).toBe('none');
});

test('nothing is noted where the registry is none of this machine', async () => {
  const data = await makeFolder();
  await markGarbage(data);
  expect(await readdir(data)).toEqual([]);
});

/** Pushes an image of one layer of 256 KiB, as Docker does; answers its digest. */
async function pushBlob(listen: string, tag: string): Promise<string> {
  const upload = async (bytes: Buffer) => {
    const digest = digestOf(bytes);
    const begun = await fetch(`http://${listen}/v2/a/b/blobs/uploads/`, { method: 'POST' });
    const place = new URL(begun.headers.get('location') ?? '');
    place.searchParams.set('digest', digest);
    const headers = { 'content-type': 'application/octet-stream' };
    const put = await fetch(place, { method: 'PUT', body: new Uint8Array(bytes), headers });
    expect(put.status).toBe(201);
    return { digest, size: bytes.length };
  };
  const config = await upload(Buffer.from(`{"os":"linux","config":{},"tag":"${tag}"}`));
  const layer = await upload(randomBytes(256 * 1024));
  const type = 'application/vnd.docker.distribution.manifest.v2+json';
  const image = 'application/vnd.docker.container.image.v1+json';
  const gzip = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
  const bytes = Buffer.from(
    JSON.stringify({
      ...{ schemaVersion: 2, mediaType: type, config: { mediaType: image, ...config } },
      layers: [{ mediaType: gzip, ...layer }],
    }),
  );
  const headers = { 'content-type': type };
  const body = new Uint8Array(bytes);
  const put = await fetch(`http://${listen}/v2/a/b/manifests/${tag}`, {
    method: 'PUT',
    body,
    headers,
  });
  expect(put.status).toBe(201);
  return digestOf(bytes);
}
