/** Which images a build stands on: the same by Docker's own copy and by the registry, and never a guess. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { identifyBases } from '../../../src/build/reuse/bases.ts';
import { Obstacle } from '../../../src/build/reuse/obstacle.ts';
import { createRegistry, type Manifest } from '../../../src/clients/registry.ts';
import { type BuildHost, freePort, startBuildHost } from '../registry.ts';
import { pushTiny } from '../tiny-image.ts';

let host: BuildHost;
let name: string;
let id: string;
let platform: string;
const registry = createRegistry();
const repository = () => ({ host: host.registry, path: 'base' });

beforeAll(async () => {
  host = await startBuildHost();
  name = `${host.registry}/base:1`;
  const { Os, Arch } = await host.docker.version();
  platform = `${Os}/${Arch}`;
  const label = `LABEL ekiden.test=${host.labels['ekiden.test']}`;
  const changes = [label, 'ENV MODE=x', 'ONBUILD COPY . /app'];
  id = await pushTiny({ docker: host.docker, name, changes });
});
afterAll(async () => {
  await registry.close();
  await host.stop();
});

const identify = (names: string[], wanted = platform) =>
  identifyBases({ docker: host.docker, registry, platform: wanted }, names);

/** A daemon that has no image. */
const empty = {
  getImage: () => ({
    inspect: async () =>
      Promise.reject(Object.assign(new Error('no such image'), { statusCode: 404 })),
  }),
} as unknown as BuildHost['docker'];

it('a base is the same by both', async () => {
  const here = await identify([name]);
  expect(here).toEqual({
    [name]: { id, onBuild: ['COPY . /app'], env: expect.arrayContaining(['MODE']) },
  });
  const there = await identifyBases({ docker: empty, registry, platform }, [name]);
  expect(there[name]).toMatchObject({ id, onBuild: ['COPY . /app'] });
});

it('of a list, the one of the platform counts, by tag or digest', async () => {
  const manifest = await registry.manifest(repository(), '1');
  if (manifest === undefined) throw new Error('nothing was pushed');
  const [os, architecture] = platform.split('/');
  const one = {
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.bytes.length,
  };
  const mediaType = 'application/vnd.docker.distribution.manifest.list.v2+json';
  const manifests = [{ ...one, platform: { os, architecture } }];
  const list: Manifest = {
    ...{ mediaType, digest: '' },
    bytes: Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests })),
  };
  await registry.putManifest(repository(), 'list', list);
  const digest = await registry.digest(repository(), 'list');
  for (const reference of [`${host.registry}/base:list`, `${host.registry}/base@${digest}`]) {
    const found = await identifyBases({ docker: empty, registry, platform }, [reference]);
    expect(found[reference]?.id).toBe(id);
    const others = identifyBases({ docker: empty, registry, platform: 'linux/s390x' }, [reference]);
    await expect(others).rejects.toThrow(Obstacle);
  }
});

it.each([
  [
    'one that nobody has',
    async () => `${host.registry}/none:1`,
    /^nobody shows what .*none:1 is now$/,
  ],
  ['one whose registry is away', async () => `127.0.0.1:${await freePort()}/a:1`, /^nobody shows/],
  ['a name that is none', async () => 'UPPER:1', /^nobody shows/],
])('%s is no guess', async (_, nameOf, message) => {
  const wanted = await nameOf();
  await expect(identifyBases({ docker: empty, registry, platform }, [wanted])).rejects.toThrow(
    message,
  );
});

it('one that is here for another platform is not taken', async () => {
  await expect(identify([name], 'linux/s390x')).rejects.toThrow(Obstacle);
  await expect(identify([name], `${platform}/v8`)).rejects.toThrow('the platform names a variant');
});
