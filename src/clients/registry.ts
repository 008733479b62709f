/** A thin client of Docker registries: manifests, configurations and tags (OCI distribution specification). */
import { LRUCache } from 'lru-cache';
import { RemoteError } from '../core/errors.ts';
import {
  digestOf,
  type ImageConfig,
  type Manifest,
  manifestTypes,
  type Repository,
  readConfig,
  readManifest,
  readTags,
} from './registry-answers.ts';
import { createRegistryRequests, type RegistryOptions } from './registry-requests.ts';

export {
  digestOf,
  type ImageConfig,
  isList,
  type Manifest,
  type Repository,
} from './registry-answers.ts';
export type { RegistryLogin, RegistryOptions } from './registry-requests.ts';

export interface Registry {
  /** By tag or digest; undefined when there is none. */
  manifest(repository: Repository, reference: string): Promise<Manifest | undefined>;
  /** The digest behind a tag, without the manifest itself. */
  digest(repository: Repository, reference: string): Promise<string | undefined>;
  /** Gives the manifest another name; the repository must hold all that it refers to. */
  putManifest(repository: Repository, tag: string, manifest: Manifest): Promise<void>;
  /** The configuration that an image's manifest names by `digest`. */
  config(repository: Repository, digest: string): Promise<ImageConfig | undefined>;
  /** All tags, in no order; undefined for a repository that nothing was pushed to. */
  tags(repository: Repository): Promise<string[] | undefined>;
  /** Begins an upload, which registries forget by themselves. @throws RemoteError that says why the registry takes none. */
  tryUpload(repository: Repository): Promise<void>;
  /** Deletes a manifest with all its tags; false when there is none. */
  delete(repository: Repository, digest: string): Promise<boolean>;
}

/** A list that was cut would pass for all that there is. */
const tagLimit = 100_000;

/** Bytes of manifests that are remembered, and as many of configurations: some thousand of each. */
const memory = 8 * 1024 * 1024;

/** Nothing is sent until the first call; each answers with RemoteError when the registry does not answer well. */
export function createRegistry(
  options: RegistryOptions = {},
): Registry & { close(): Promise<void> } {
  const { ask, close } = createRegistryRequests(options);
  const find = createFinding(ask);

  return {
    ...{ close, ...find },
    async putManifest(repository, tag, { bytes, mediaType }) {
      const headers = { 'content-type': mediaType };
      await ask({ repository, path: `manifests/${tag}`, method: 'PUT', headers, body: bytes });
    },
    tags: (repository) => allTags(ask, repository),
    async tryUpload(repository) {
      await ask({ repository, path: 'blobs/uploads/', method: 'POST' });
    },
    async delete(repository, digest) {
      const answer = await ask({ repository, path: `manifests/${digest}`, method: 'DELETE' });
      return answer !== undefined;
    },
  };
}

type Ask = ReturnType<typeof createRegistryRequests>['ask'];

/**
 * Docker Hub counts each GET of a manifest as a pull, and no HEAD. What has a digest never changes, so each is fetched
 * once; whether a manifest is still there is asked each time.
 */
function createFinding(ask: Ask): Pick<Registry, 'manifest' | 'digest' | 'config'> {
  const known = createMemory<Manifest>();
  const configs = createMemory<{ bytes: Buffer }>();
  const headers = { accept: manifestTypes };

  async function fetch(repository: Repository, reference: string) {
    const answer = await ask({ repository, path: `manifests/${reference}`, headers });
    if (answer === undefined) return undefined;
    const manifest = readManifest(answer, repository);
    if (isDigest(reference) && manifest.digest !== reference) throw mixedUp(repository);
    known.set(keyOf(repository, manifest.digest), manifest);
    return manifest;
  }

  /** Some registries leave the digest out of the answer, which then has to be computed. */
  async function look(repository: Repository, reference: string) {
    const path = `manifests/${reference}`;
    const answer = await ask({ repository, path, method: 'HEAD', headers });
    if (answer === undefined) return undefined;
    const digest = answer.headers['docker-content-digest'];
    if (digest !== undefined && isDigest(digest)) return digest;
    return (await fetch(repository, reference))?.digest;
  }

  return {
    digest: look,
    async manifest(repository, reference) {
      const isNew = isDigest(reference) && !known.has(keyOf(repository, reference));
      const digest = isNew ? reference : await look(repository, reference);
      if (digest === undefined) return undefined;
      return known.get(keyOf(repository, digest)) ?? fetch(repository, digest);
    },
    async config(repository, digest) {
      const kept = configs.get(keyOf(repository, digest));
      if (kept !== undefined) return readConfig(kept.bytes, repository);
      const answer = await ask({ repository, path: `blobs/${digest}` });
      if (answer === undefined) return undefined;
      if (digestOf(answer.body) !== digest) throw mixedUp(repository);
      configs.set(keyOf(repository, digest), { bytes: answer.body });
      return readConfig(answer.body, repository);
    },
  };
}

/** Values by repository and digest; those that nobody asked for in the longest time go first. */
function createMemory<T extends { bytes: Buffer }>() {
  return new LRUCache<string, T>({
    maxSize: memory,
    // Keys and what is around the bytes take some room too.
    sizeCalculation: ({ bytes }) => bytes.length + 1024,
  });
}

function keyOf({ host, path }: Repository, digest: string): string {
  return `${host}/${path}@${digest}`;
}

function isDigest(reference: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(reference);
}

async function allTags(ask: Ask, repository: Repository): Promise<string[] | undefined> {
  const tags: string[] = [];
  let last = '';
  while (tags.length < tagLimit) {
    const path = `tags/list?n=1000${last && `&last=${encodeURIComponent(last)}`}`;
    const answer = await ask({ repository, path });
    if (answer === undefined) return last === '' ? undefined : tags;
    const found = readTags(answer.body, repository);
    tags.push(...found);
    const end = found.at(-1);
    if (end === undefined || answer.headers['link'] === undefined) return tags;
    if (end === last) break;
    last = end;
  }
  const { host, path } = repository;
  throw new RemoteError(`The registry ${host} lists the tags of ${path} without end.`, {
    code: 'E_REGISTRY',
    hint: `Ekiden reads up to ${tagLimit} tags of a repository.`,
    retryable: false,
  });
}

function mixedUp({ host, path }: Repository): RemoteError {
  return new RemoteError(`The registry ${host} gave other bytes of ${path} than were asked for.`, {
    code: 'E_REGISTRY',
  });
}
