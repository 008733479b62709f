/** Cleaning on a real Docker and a real registry: what goes, and all that has to stay. */
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type CleanerOptions, createCleaner } from '../../../src/build/cleaning/cleaner.ts';
import { createRegistry } from '../../../src/clients/registry.ts';
import type { Build } from '../../../src/core/build.ts';
import { silent } from '../../../src/core/log.ts';
import type { Stores } from '../../../src/stores/index.ts';
import { createFakeMarathon, type FakeMarathon } from '../../fakes/marathon.ts';
import { type RedisStores, startRedisStores } from '../../fakes/redis-stores.ts';
import { sampleBuild, sampleRelease } from '../../support/samples.ts';
import { type BuildHost, freePort, startBuildHost } from '../registry.ts';
import { pushTiny } from '../tiny-image.ts';

let host: BuildHost;
let redis: RedisStores;
let stores: Stores;
let marathon: FakeMarathon;
let path: string;
let count = 0;
const registry = createRegistry();

beforeAll(async () => {
  host = await startBuildHost();
  redis = await startRedisStores();
});
afterAll(async () => {
  await registry.close();
  await redis.stop();
  await host.stop();
});
beforeEach(() => {
  stores = redis.fresh();
  marathon = createFakeMarathon();
  path = `clean/app-${++count}`;
});

const project = 7;
const install = () => `${host.install}-${count}`;
const repository = () => ({ host: host.registry, path });
const exists = (id: string) =>
  host.docker
    .getImage(id)
    .inspect()
    .then(() => true)
    .catch(() => false);
const tags = async () => (await registry.tags(repository()))?.sort() ?? [];

function clean(change: Partial<CleanerOptions> & { dryRun?: boolean } = {}) {
  const { dryRun = false, ...options } = change;
  const cleaner = createCleaner({
    ...{ ...stores, marathon, docker: host.docker, registryClient: registry, log: silent },
    exclusively: stores.locks.exclusively,
    registry: host.registry,
    install: install(),
    keep: 1,
    // Images made in this test are old enough a moment later.
    after: -60_000,
    ...options,
  });
  return cleaner.clean({ dryRun });
}

interface Made {
  id: string;
  digest: string;
  /** `repository@digest`. */
  image: string;
  sha: string;
}

/** Pushes an image of the installation under the tag of a commit, and keeps the record of its build. */
async function made(
  change: Partial<Build> = {},
  labels = `ekiden.install=${install()} ekiden.project=${project}`,
): Promise<Made> {
  const sha = crypto.randomUUID().replaceAll('-', '').padEnd(40, '0');
  const name = `${host.registry}/${path}:sha-${sha.slice(0, 12)}`;
  const changes = [`LABEL ekiden.test=${host.labels['ekiden.test']} ${labels}`];
  const content = Buffer.from(crypto.randomUUID().repeat(300));
  const id = await pushTiny({ docker: host.docker, name, changes, content });
  const digest = (await registry.digest(repository(), `sha-${sha.slice(0, 12)}`)) ?? '';
  const image = `${host.registry}/${path}@${digest}`;
  await stores.knownProjects.note({ id: project, path });
  const record = { project, projectPath: path, sha, image, state: 'succeeded' as const };
  await stores.builds.create(sampleBuild({ id: `b-${sha}`, ...record, ...change }));
  return { id, digest, image, sha };
}

describe('what nobody needs', () => {
  it('goes from the host and from the registry, with all its tags', async () => {
    const old = await made();
    const manifest = await registry.manifest(repository(), old.digest);
    if (!manifest) throw new Error('nothing was pushed');
    await registry.putManifest(repository(), `fp-${'0'.repeat(32)}`, manifest);
    await registry.putManifest(repository(), 'main', manifest);
    const report = await clean();
    expect(report).toMatchObject({ dryRun: false, host: { notes: [] }, registry: { notes: [] } });
    expect(report.host?.removed).toEqual([
      {
        names: [`${host.registry}/${path}:sha-${old.sha.slice(0, 12)}`],
        bytes: expect.any(Number),
      },
    ]);
    expect(report.host?.bytes).toBeGreaterThan(10_000);
    expect(report.registry?.removed[0]?.names).toHaveLength(3);
    expect(report.registry?.bytes).toBeGreaterThan(1_000);
    expect(await exists(old.id)).toBe(false);
    expect(await tags()).toEqual([]);
    expect(await registry.digest(repository(), old.digest)).toBeUndefined();
  });

  it('is told of in a dry run, with the same figures, and stays', async () => {
    const old = await made();
    const told = await clean({ dryRun: true });
    expect(told.dryRun).toBe(true);
    expect(await exists(old.id)).toBe(true);
    expect(await tags()).toHaveLength(1);
    const { dryRun, ...done } = await clean();
    expect(told).toEqual({ dryRun: true, ...done });
    expect(dryRun).toBe(false);
  });

  it('counts a layer that stays with another image for nothing', async () => {
    const kept = await made();
    await stores.releases.create(sampleRelease({ app: '/kept', image: kept.image }));
    const twin = `${host.registry}/${path}:sha-${'e'.repeat(12)}`;
    await host.docker
      .createContainer({ Image: kept.id, Cmd: ['x'], Labels: { 'ekiden.test': 'x' } })
      .then(async (container) => {
        await container.commit({ repo: `${host.registry}/${path}`, tag: `sha-${'e'.repeat(12)}` });
        await container.remove();
      });
    const report = await clean();
    expect(report.host?.removed).toEqual([{ names: [twin], bytes: 0 }]);
    expect(report.host?.bytes).toBe(0);
  });
});

describe('what stays', () => {
  const stays = async ({ id, digest }: Made) => {
    const report = await clean();
    expect(report.host?.removed).toEqual([]);
    expect(report.registry?.removed ?? []).toEqual([]);
    expect(await exists(id)).toBe(true);
    expect(await registry.digest(repository(), digest)).toBe(digest);
  };

  it.each([
    ['an image without a label', 'other=1'],
    ['an image of another installation', 'ekiden.install=other'],
  ])('%s', async (_, labels) => stays(await made({}, labels)));

  it('in the registry, an image of another project at the same path', async () => {
    const { digest } = await made({}, `ekiden.install=${install()} ekiden.project=${project + 1}`);
    expect((await clean()).registry?.removed ?? []).toEqual([]);
    expect(await registry.digest(repository(), digest)).toBe(digest);
  });

  it('the image of a release that one can go back to', async () => {
    const image = await made();
    await stores.releases.create(sampleRelease({ image: image.image }));
    await stays(image);
  });

  it('the image of an app that Marathon runs', async () => {
    const image = await made();
    await marathon.putApp({
      id: '/shop/web',
      labels: { 'ekiden.install': install() },
      container: { docker: { image: image.image } },
    });
    await stays(image);
  });

  it('the newest image of a branch that is there', async () => {
    const image = await made();
    const ref = 'refs/heads/main';
    await stores.heads.claim({ project, ref, sha: image.sha, build: `b-${image.sha}` });
    await stays(image);
  });

  it('the image of a build under way', async () => {
    await stays(await made({ state: 'running' }));
  });

  it('on the host, the image that a container was made of', async () => {
    const { id } = await made();
    const container = await host.docker.createContainer({
      ...{ Image: id, Cmd: ['x'], Labels: host.labels },
    });
    onTestFinished(() => container.remove());
    expect((await clean()).host?.removed).toEqual([]);
    expect(await exists(id)).toBe(true);
  });

  it('on the host, an image that somebody gave a name of their own', async () => {
    const { id } = await made();
    await host.docker.getImage(id).tag({ repo: `mine-${count}`, tag: 'kept' });
    onTestFinished(() => host.docker.getImage(`mine-${count}:kept`).remove());
    expect((await clean()).host?.removed).toEqual([]);
  });

  it('in the registry, an image that somebody gave a tag of their own', async () => {
    const { digest } = await made();
    const manifest = await registry.manifest(repository(), digest);
    if (manifest) await registry.putManifest(repository(), 'approved', manifest);
    expect((await clean()).registry?.removed).toEqual([]);
    expect(await tags()).toContain('approved');
  });

  it('what was made of late', async () => {
    const { id } = await made({ createdAt: Date.now() });
    const report = await clean({ after: 3_600_000 });
    expect([report.host?.removed, report.registry?.removed]).toEqual([[], []]);
    expect(await exists(id)).toBe(true);
  });

  it('an image that a build took up while others were looked at', async () => {
    const old = await made();
    const manifest = await registry.manifest(repository(), old.digest);
    if (!manifest) throw new Error('nothing was pushed');
    const sha = 'd'.repeat(40);
    const taking: typeof stores.locks.exclusively = async (name, work) => {
      if (name.startsWith('images:')) {
        const build = { id: 'b-new', project, sha, state: 'running' as const };
        await stores.builds.create(sampleBuild(build));
        await registry.putManifest(repository(), `sha-${sha.slice(0, 12)}`, manifest);
      }
      return stores.locks.exclusively(name, work);
    };
    const report = await clean({ exclusively: taking });
    expect(report.registry?.removed).toEqual([]);
    expect(await registry.digest(repository(), old.digest)).toBe(old.digest);
  });
});

describe('a part that is away', () => {
  it('Marathon or the registry: nothing goes', async () => {
    const old = await made();
    marathon.fail('apps', new Error('no Marathon'));
    await expect(clean()).rejects.toThrow('no Marathon');
    expect(await exists(old.id)).toBe(true);
    expect(await tags()).toHaveLength(1);
  });

  it('the registry is said to be, and the host is cleaned', async () => {
    const old = await made({ image: `127.0.0.1:${await freePort()}/x@sha256:${'0'.repeat(64)}` });
    await expect(clean()).rejects.toMatchObject({ code: 'E_REGISTRY' });
    expect(await exists(old.id)).toBe(false);
  });
});
