/** A real Docker, registry and Redis with images of an installation of its own for each test. */
import { type CleanerOptions, createCleaner } from '../../../src/build/cleaning/cleaner.ts';
import { createDataCentres } from '../../../src/clients/data-centres.ts';
import { createRegistry } from '../../../src/clients/registry.ts';
import type { Build } from '../../../src/core/build.ts';
import { silent } from '../../../src/core/log.ts';
import { createFakeMarathon } from '../../fakes/marathon.ts';
import { startRedisStores } from '../../fakes/redis-stores.ts';
import { sampleBuild } from '../../support/samples.ts';
import { startBuildHost } from '../registry.ts';
import { pushTiny } from '../tiny-image.ts';

export interface Made {
  id: string;
  digest: string;
  /** `repository@digest`. */
  image: string;
  sha: string;
}

export type CleaningRig = ReturnType<Awaited<ReturnType<typeof startCleaningHost>>['fresh']>;

export async function startCleaningHost() {
  const host = await startBuildHost();
  const redis = await startRedisStores();
  const registry = createRegistry();
  let count = 0;
  return {
    fresh: () => openRig({ host, redis, registry, name: `app-${++count}` }),
    async stop() {
      await registry.close();
      await redis.stop();
      await host.stop();
    },
  };
}

interface Shared {
  host: Awaited<ReturnType<typeof startBuildHost>>;
  redis: Awaited<ReturnType<typeof startRedisStores>>;
  registry: ReturnType<typeof createRegistry>;
  name: string;
}

const project = 7;

function openRig({ host, redis, registry, name }: Shared) {
  const stores = redis.fresh();
  const marathon = createFakeMarathon();
  const path = `clean/${name}`;
  const install = `${host.install}-${name}`;
  const repository = { host: host.registry, path };
  const rig = { ...{ host, stores, marathon, registry, project, path, install, repository } };

  return {
    ...rig,
    exists: (id: string) =>
      host.docker
        .getImage(id)
        .inspect()
        .then(() => true)
        .catch(() => false),
    tags: async () => (await registry.tags(repository))?.sort() ?? [],
    clean: cleanWith(rig),
    made: (change: Partial<Build> = {}, labels?: string) => make(rig, change, labels),
    /** Gives the image one more tag in the registry. */
    async tag({ digest }: Made, tag: string) {
      const manifest = await registry.manifest(repository, digest);
      if (!manifest) throw new Error('nothing was pushed');
      await registry.putManifest(repository, tag, manifest);
    },
  };
}

type Rig = Pick<Shared, 'host' | 'registry'> & {
  stores: ReturnType<Shared['redis']['fresh']>;
  marathon: ReturnType<typeof createFakeMarathon>;
  path: string;
  install: string;
};

function cleanWith({ host, stores, marathon, registry, install }: Rig) {
  return (change: Partial<CleanerOptions> & { dryRun?: boolean } = {}) => {
    const { dryRun = false, ...options } = change;
    const cleaner = createCleaner({
      ...{ ...stores, docker: host.docker, registryClient: registry, log: silent },
      dataCentres: createDataCentres({ all: [{ name: 'default', marathon }] }),
      exclusively: stores.locks.exclusively,
      registry: host.registry,
      install,
      keep: 1,
      // Images made in this test are old enough a moment later.
      after: -60_000,
      ...options,
    });
    return cleaner.clean({ dryRun });
  };
}

/** Pushes an image of the installation under the tag of a commit, and keeps the record of its build. */
async function make(
  { host, registry, stores, path, install }: Rig,
  change: Partial<Build>,
  labels = `ekiden.install=${install} ekiden.project=${change.project ?? project}`,
): Promise<Made> {
  const sha = crypto.randomUUID().replaceAll('-', '').padEnd(40, '0');
  const at = { host: host.registry, path: change.projectPath ?? path };
  const repository = `${at.host}/${at.path}`;
  const tag = `sha-${sha.slice(0, 12)}`;
  const changes = [`LABEL ekiden.test=${host.labels['ekiden.test']} ${labels}`];
  const content = Buffer.from(crypto.randomUUID().repeat(300));
  const name = `${repository}:${tag}`;
  const id = await pushTiny({ docker: host.docker, name, changes, content });
  const digest = (await registry.digest(at, tag)) ?? '';
  const image = `${repository}@${digest}`;
  await stores.knownProjects.note({ id: change.project ?? project, path: at.path });
  const record = { project, projectPath: path, sha, image, state: 'succeeded' as const };
  await stores.builds.create(sampleBuild({ id: `b-${sha}`, ...record, ...change }));
  return { id, digest, image, sha };
}
