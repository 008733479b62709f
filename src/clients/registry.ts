/** A thin client of Docker registries: manifests, configurations and tags (OCI distribution specification). */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { RemoteError } from '../core/errors.ts';
import { createRegistryRequests, type RegistryOptions } from './registry-requests.ts';

export type { RegistryLogin, RegistryOptions } from './registry-requests.ts';

/** A repository of a registry. */
export interface Repository {
  /** `host[:port]`. */
  host: string;
  path: string;
}

/** A manifest as the registry keeps it. */
export interface Manifest {
  /** Of its bytes. */
  digest: string;
  mediaType: string;
  bytes: Buffer;
}

/** The parts of an image's configuration that Ekiden reads. */
export interface ImageConfig {
  labels: Record<string, string>;
  /** Such as `8080/tcp`. */
  exposedPorts: string[];
  /** Steps that a build on top of it runs first. */
  onBuild: string[];
  /** `NAME=value`. */
  env: string[];
  architecture: string;
  os: string;
}

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
  /** Deletes a manifest with all its tags; false when there is none. */
  delete(repository: Repository, digest: string): Promise<boolean>;
}

const imageTypes = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
];
const listTypes = [
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.index.v1+json',
];

/** Pages of 1,000 tags. */
const pageLimit = 100;

const tagsSchema = z.object({ tags: z.array(z.string()).nullish() });
const configSchema = z.object({
  architecture: z.string().default(''),
  os: z.string().default(''),
  config: z
    .object({
      Labels: z.record(z.string(), z.string()).nullish(),
      ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
      OnBuild: z.array(z.string()).nullish(),
      Env: z.array(z.string()).nullish(),
    })
    .nullish(),
});

/** Nothing is sent until the first call; each answers with RemoteError when the registry does not answer well. */
export function createRegistry(
  options: RegistryOptions = {},
): Registry & { close(): Promise<void> } {
  const { ask, close } = createRegistryRequests(options);
  const accept = [...imageTypes, ...listTypes].join(', ');

  return {
    close,
    async manifest(repository, reference) {
      const path = `manifests/${reference}`;
      const answer = await ask({ repository, path, headers: { accept } });
      if (answer === undefined) return undefined;
      const manifest = {
        bytes: answer.body,
        mediaType: mediaTypeOf(answer),
        digest: digestOf(answer.body),
      };
      if (reference.startsWith('sha256:') && manifest.digest !== reference)
        throw mixedUp(repository);
      return manifest;
    },
    async digest(repository, reference) {
      const path = `manifests/${reference}`;
      const answer = await ask({ repository, path, method: 'HEAD', headers: { accept } });
      return answer?.headers['docker-content-digest'];
    },
    async putManifest(repository, tag, { bytes, mediaType }) {
      const headers = { 'content-type': mediaType };
      await ask({ repository, path: `manifests/${tag}`, method: 'PUT', headers, body: bytes });
    },
    async config(repository, digest) {
      const answer = await ask({ repository, path: `blobs/${digest}` });
      if (answer === undefined) return undefined;
      if (digestOf(answer.body) !== digest) throw mixedUp(repository);
      return toConfig(answer.body);
    },
    tags: (repository) => allTags(ask, repository),
    async delete(repository, digest) {
      const answer = await ask({ repository, path: `manifests/${digest}`, method: 'DELETE' });
      return answer !== undefined;
    },
  };
}

async function allTags(
  ask: ReturnType<typeof createRegistryRequests>['ask'],
  repository: Repository,
): Promise<string[] | undefined> {
  const tags: string[] = [];
  let last = '';
  for (let page = 0; page < pageLimit; page++) {
    const answer = await ask({ repository, path: `tags/list?n=1000${last}` });
    if (answer === undefined) return page === 0 ? undefined : tags;
    const found = tagsSchema.parse(parse(answer.body, repository)).tags ?? [];
    tags.push(...found);
    const end = found.at(-1);
    if (end === undefined || answer.headers['link'] === undefined) break;
    last = `&last=${encodeURIComponent(end)}`;
  }
  return tags;
}

/** True for a list that leads to the images of several platforms. */
export function isList({ mediaType }: Pick<Manifest, 'mediaType'>): boolean {
  return listTypes.includes(mediaType);
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

const typedSchema = z.object({ mediaType: z.string().optional() });

/** The header names it; some proxies do not pass it on. */
function mediaTypeOf({ body, headers }: { body: Buffer; headers: Record<string, string> }): string {
  const [header = ''] = (headers['content-type'] ?? '').split(';', 1);
  if ([...imageTypes, ...listTypes].includes(header)) return header;
  const found = typedSchema.safeParse(JSON.parse(body.toString()));
  return found.data?.mediaType ?? header;
}

function toConfig(body: Buffer): ImageConfig {
  const { architecture, os, config } = configSchema.parse(JSON.parse(body.toString()));
  return {
    ...{ architecture, os },
    labels: config?.Labels ?? {},
    exposedPorts: Object.keys(config?.ExposedPorts ?? {}),
    onBuild: config?.OnBuild ?? [],
    env: config?.Env ?? [],
  };
}

function parse(body: Buffer, repository: Repository): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (cause) {
    throw new RemoteError(`The registry ${repository.host} answers with what is no JSON.`, {
      code: 'E_REGISTRY',
      cause,
    });
  }
}

function mixedUp({ host, path }: Repository): RemoteError {
  return new RemoteError(`The registry ${host} gave other bytes of ${path} than were asked for.`, {
    code: 'E_REGISTRY',
  });
}
