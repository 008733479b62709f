/** What cleaning does where a registry or the world changes meanwhile: an imitation that tests can meddle with. */
import { expect, test } from 'vitest';
import { cleanRegistry, type RegistryCleaning } from '../../../src/build/cleaning/registry.ts';
import { digestOf, type Registry, type Repository } from '../../../src/clients/registry.ts';
import { RemoteError } from '../../../src/core/errors.ts';
import { sampleBuild, sampleDeployment } from '../../support/samples.ts';

const project = 7;
const place = 'registry:5000/shop/web';

/** One repository with an image of each name, all of them old; each has a layer of 10 bytes. */
function imitate(names: string[]) {
  const tagsOf = new Map<string, string[]>();
  const manifests = new Map<string, Buffer>();
  for (const name of names) {
    const blob = { digest: digestOf(Buffer.from(name)), size: 10 };
    const bytes = Buffer.from(JSON.stringify({ config: { ...blob, size: 1 }, layers: [blob] }));
    manifests.set(digestOf(bytes), bytes);
    tagsOf.set(digestOf(bytes), [name]);
  }
  const digestOfTag = (tag: string) => [...tagsOf].find(([, tags]) => tags.includes(tag))?.[0];
  const registry: Registry = {
    async manifest(_, reference) {
      const bytes = manifests.get(reference);
      return bytes && { digest: reference, mediaType: 'application/json', bytes };
    },
    digest: async (_, tag) => digestOfTag(tag),
    putManifest: async () => undefined,
    tryUpload: async () => undefined,
    async config() {
      const labels = { 'ekiden.install': 'test', 'ekiden.project': String(project) };
      const none = { exposedPorts: [], onBuild: [], env: [], architecture: '', os: '' };
      return { labels, ...none };
    },
    tags: async () => [...tagsOf.values()].flat(),
    delete: async (_, digest) => tagsOf.delete(digest),
  };
  return { registry, tagsOf, digest: (name: string) => digestOfTag(name) ?? '' };
}

type World = ReturnType<typeof imitate> & { options: RegistryCleaning; locks: string[] };

function open(names: string[], change: Partial<RegistryCleaning> = {}): World {
  const world = imitate(names);
  const locks: string[] = [];
  const image = (name: string) => `${place}@${world.digest(name)}`;
  const builds = names.map((name) => sampleBuild({ state: 'succeeded', image: image(name) }));
  const options: RegistryCleaning = {
    ...{ registry: world.registry, install: 'test', keep: 0, after: 0, dryRun: false },
    dataCentres: { apps: async () => ({ apps: [], away: [] }) },
    releases: { images: async () => new Set<string>() },
    builds: { list: async () => ({ items: builds }) },
    deployments: { list: async () => ({ items: [] }) },
    heads: { current: async () => undefined },
    knownProjects: { ids: async () => [project] },
    async exclusively(name, work) {
      locks.push(name);
      return work();
    },
    ...change,
  };
  return { ...world, options, locks };
}

const shaTag = (number: number) => `sha-${String(number).padStart(12, '0')}`;
const three = [shaTag(1), shaTag(2), shaTag(3)];
const left = ({ tagsOf }: World) => [...tagsOf.values()].flat();

test('whoever pushes waits for some deletions, and not for all of a repository', async () => {
  const world = open(Array.from({ length: 45 }, (_, number) => shaTag(number)));
  expect((await cleanRegistry(world.options)).removed).toHaveLength(45);
  expect(world.locks).toEqual([`images:${place}`, `images:${place}`, `images:${place}`]);
});

test('a release that was made since keeps its image', async () => {
  let released = 0;
  const world = open(three, {
    // None at first, as long as images are looked at.
    releases: { images: async () => new Set(released++ ? [`x@${world.digest(shaTag(2))}`] : []) },
  });
  await cleanRegistry(world.options);
  expect(left(world)).toEqual([shaTag(2)]);
});

test.each([
  ['queued', [shaTag(2)]],
  ['failed', []],
] as const)('the image of a deployment that is %s', async (state, kept) => {
  const world = open(three, {
    deployments: {
      list: async () => ({
        items: [sampleDeployment({ state, image: `${place}@${world.digest(shaTag(2))}` })],
      }),
    },
  });
  await cleanRegistry(world.options);
  expect(left(world)).toEqual(kept);
});

test('a build that took an image up since keeps it', async () => {
  const world = open(three);
  const { exclusively, builds } = world.options;
  world.options.exclusively = async (name, work) => {
    const sha = 'd'.repeat(40);
    world.tagsOf.get(world.digest(shaTag(2)))?.push('sha-dddddddddddd');
    const running = sampleBuild({ id: 'b-new', sha, state: 'running' });
    const { items } = await builds.list(project, { limit: 500 });
    world.options.builds.list = async () => ({ items: [running, ...items] });
    return exclusively(name, work);
  };
  expect((await cleanRegistry(world.options)).removed).toHaveLength(2);
  expect(left(world)).toEqual([shaTag(2), 'sha-dddddddddddd']);
});

test.each(['approved', 'mine'])('somebody who gave it the tag %s since keeps it', async (tag) => {
  const world = open([...three, 'mine']);
  const { exclusively } = world.options;
  world.options.exclusively = (name, work) => {
    for (const tags of world.tagsOf.values()) {
      if (tags.includes('mine')) tags.pop();
      if (tags.includes(shaTag(2))) tags.push(tag);
    }
    return exclusively(name, work);
  };
  await cleanRegistry(world.options);
  expect(left(world)).toEqual([shaTag(2), tag]);
});

test('what is told frees nothing that stays, and counts once what several share', async () => {
  const world = open(three, { dryRun: true });
  const told = await cleanRegistry(world.options);
  expect(told).toMatchObject({ bytes: 30, notes: [] });
  expect(left(world)).toEqual(three);
});

/** One repository of each project; those of `bad` answer with an error. */
function openMany(bad: Record<string, Error>, hosts: string[]) {
  const world = open(three);
  const [template] = [sampleBuild({ state: 'succeeded' })];
  const asked: string[] = [];
  const refuse = ({ host, path }: Repository) => {
    asked.push(`${host}/${path}`);
    const error = bad[`${host}/${path}`] ?? bad[host];
    if (error) throw error;
  };
  world.options.knownProjects.ids = async () => hosts.map((_, index) => index);
  world.options.builds.list = async (index) => ({
    items: [{ ...template, image: `${hosts[index]}/app-${index}@${world.digest(shaTag(1))}` }],
  });
  world.options.registry = {
    ...world.registry,
    async tags(repository) {
      refuse(repository);
      return [];
    },
  };
  return { ...world, asked };
}

const away = new RemoteError('The registry old:5000 does not answer: x', { code: 'E_REGISTRY' });

test('a repository that cannot be looked at is told of, and the others are cleaned', async () => {
  const bad = { 'new:5000/app-1': new SyntaxError('Unexpected token <'), 'old:5000': away };
  const { options, asked } = openMany(bad, ['old:5000', 'new:5000', 'new:5000']);
  expect((await cleanRegistry(options)).notes).toEqual([
    'old:5000/app-0 stays: The registry old:5000 does not answer: x',
    'new:5000/app-1 stays: Unexpected token <',
  ]);
  expect(asked).toHaveLength(3);
});

test('a registry that is away is asked three times, and not for each of its repositories', async () => {
  const hosts = ['old:5000', 'old:5000', 'old:5000', 'old:5000', 'new:5000', 'old:5000'];
  const { options, asked } = openMany({ 'old:5000': away }, hosts);
  expect((await cleanRegistry(options)).notes).toEqual([
    ...[0, 1, 2].map((n) => `old:5000/app-${n} stays: ${away.message}`),
    'old:5000 is asked no more: its other repositories stay',
  ]);
  expect(asked).toEqual(['old:5000/app-0', 'old:5000/app-1', 'old:5000/app-2', 'new:5000/app-4']);
});
