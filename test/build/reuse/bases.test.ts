/** Which images a build stands on: the same by Docker's own copy and by the registry, and never a guess. */
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BasesOptions, identifyBases } from '../../../src/build/reuse/bases.ts';
import { Obstacle } from '../../../src/build/reuse/obstacle.ts';
import { createRegistry, type Manifest } from '../../../src/clients/registry.ts';
import { freePort } from '../../demo/free-ports.ts';
import { type BuildHost, startBuildHost } from '../registry.ts';
import { makeTiny, pushTiny } from '../tiny-image.ts';

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

/** By default as Docker is here. */
const identify = (
  names: string[],
  { docker = host.docker, signal = new AbortController().signal, ...change }: Change = {},
) => {
  const settings = { platform, asksRegistryFirst: false, mirrorsHub: false, ...change };
  return identifyBases({ docker, registry: asking, signal, host: settings }, names);
};

interface Change extends Partial<BasesOptions['host']> {
  docker?: BasesOptions['docker'];
  signal?: AbortSignal;
}

/** The names of images that a registry was asked for. */
const asked: string[] = [];
const asking: BasesOptions['registry'] = {
  config: registry.config,
  manifest: (image, reference) => {
    asked.push(`${image.path}:${reference}`);
    return registry.manifest(image, reference);
  },
};

/** A daemon that fails to show any image. */
const failing = (statusCode: number, message: string) =>
  ({
    getImage: () => ({
      inspect: async () => Promise.reject(Object.assign(new Error(message), { statusCode })),
    }),
  }) as unknown as BuildHost['docker'];

const empty = failing(404, 'no such image');

it('a base is the same by both', async () => {
  const here = await identify([name]);
  expect(here).toEqual({
    [name]: { id, onBuild: ['COPY . /app'], env: expect.arrayContaining(['MODE']) },
  });
  const there = await identify([name], { docker: empty });
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
    const found = await identify([reference], { docker: empty });
    expect(found[reference]?.id).toBe(id);
    const others = identify([reference], { docker: empty, platform: 'linux/s390x' });
    await expect(others).rejects.toThrow(Obstacle);
  }
});

it.each([
  [
    'one that nobody has',
    async () => `${host.registry}/none:1`,
    /^nobody shows what .*none:1 is now$/,
  ],
  [
    'one whose registry is away',
    async () => `127.0.0.1:${await freePort()}/a:1`,
    /^nobody shows what .* is now: The registry .* does not answer: .*ECONNREFUSED/,
  ],
  ['a name that is none', async () => 'UPPER:1', /^nobody shows/],
])('%s is no guess', async (_, nameOf, message) => {
  const wanted = await nameOf();
  const identified = identify([wanted], { docker: empty });
  await expect(identified).rejects.toThrow(Obstacle);
  await expect(identified).rejects.toThrow(message);
});

it('one that is here for another platform is not taken', async () => {
  await expect(identify([name], { platform: 'linux/s390x' })).rejects.toThrow(Obstacle);
  const variant = identify([name], { platform: `${platform}/v8` });
  await expect(variant).rejects.toThrow('the platform names a variant');
});

it('one that has moved in its registry is what Docker has, save where that asks the registry first', async () => {
  const moved = `${host.registry}/moved:1`;
  const label = `LABEL ekiden.test=${host.labels['ekiden.test']}`;
  const there = await pushTiny({ docker: host.docker, name: moved, changes: [label] });
  const here = await makeTiny({ docker: host.docker, name: moved, changes: [label] });
  expect(here).not.toBe(there);
  expect((await identify([moved]))[moved]?.id).toBe(here);
  expect((await identify([moved], { asksRegistryFirst: true }))[moved]?.id).toBe(there);
  const gone = `${host.registry}/only-here:1`;
  await makeTiny({ docker: host.docker, name: gone, changes: [label] });
  await expect(identify([gone], { asksRegistryFirst: true })).rejects.toThrow('nobody shows');
});

it('one of Docker Hub that a mirror may have is no guess, unless its name says which', async () => {
  const change = { docker: empty, mirrorsHub: true };
  await expect(identify(['node:20'], change)).rejects.toThrow(
    'a mirror of Docker Hub may have another node:20',
  );
  expect((await identify([name], change))[name]?.id).toBe(id);
  expect((await identify([name], { mirrorsHub: true }))[name]?.id).toBe(id);
});

it('what Docker says in place of an image is told', async () => {
  const docker = failing(400, '(HTTP code 400) bad parameter');
  await expect(identify([name], { docker })).rejects.toMatchObject({
    code: 'E_DOCKER',
    message: `Docker tells nothing about ${name}: (HTTP code 400) bad parameter`,
  });
});

it('many are looked up some at a time, until somebody gives up', async () => {
  const names = Array.from({ length: 30 }, (_, n) => `${host.registry}/many${n}:1`);
  const over = new AbortController();
  let now = 0;
  let most = 0;
  const docker = {
    getImage: () => ({
      inspect: async () => {
        most = Math.max(most, ++now);
        await setImmediate();
        now--;
        over.abort();
        throw Object.assign(new Error('no such image'), { statusCode: 404 });
      },
    }),
  } as unknown as BuildHost['docker'];
  asked.length = 0;
  const identified = identify(names, { docker, signal: over.signal });
  await expect(identified).rejects.toThrow(Obstacle);
  await expect.poll(() => asked).toHaveLength(most);
  expect(most).toBe(8);
});
