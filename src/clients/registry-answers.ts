/** Reads what registries answer: manifests, configurations and lists of tags, none of which is taken on trust. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { RemoteError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import type { RegistryAnswer } from './registry-requests.ts';

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
  /** JSON, of whatever shape. */
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

const imageTypes = [
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
];
const listTypes = [
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.index.v1+json',
];

/** All types of manifests, as the header `Accept` has them. */
export const manifestTypes = [...imageTypes, ...listTypes].join(', ');

/** True for a list that leads to the images of several platforms. */
export function isList({ mediaType }: Pick<Manifest, 'mediaType'>): boolean {
  return listTypes.includes(mediaType);
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

const typedSchema = z.object({ mediaType: z.string().optional() });

/** @throws RemoteError for what is no manifest. */
export function readManifest({ body, headers }: RegistryAnswer, repository: Repository): Manifest {
  const { mediaType: named } = readAs(typedSchema, body, repository);
  const [header = ''] = (headers['content-type'] ?? '').split(';', 1);
  // The header names it; some proxies do not pass it on.
  const mediaType = [...imageTypes, ...listTypes].includes(header) ? header : (named ?? header);
  return { bytes: body, digest: digestOf(body), mediaType };
}

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

/** @throws RemoteError for what is no configuration of an image. */
export function readConfig(body: Buffer, repository: Repository): ImageConfig {
  const { architecture, os, config } = readAs(configSchema, body, repository);
  return {
    ...{ architecture, os },
    labels: config?.Labels ?? {},
    exposedPorts: Object.keys(config?.ExposedPorts ?? {}),
    onBuild: config?.OnBuild ?? [],
    env: config?.Env ?? [],
  };
}

const tagsSchema = z.object({ tags: z.array(z.string()).nullish() });

/** @throws RemoteError for what is no list of tags. */
export function readTags(body: Buffer, repository: Repository): string[] {
  return readAs(tagsSchema, body, repository).tags ?? [];
}

function readAs<T>(schema: z.ZodType<T>, body: Buffer, { host, path }: Repository): T {
  const parsed = schema.safeParse(parseJson(body.toString()));
  if (parsed.success) return parsed.data;
  throw new RemoteError(`The registry ${host} answers for ${path} with what nobody can read.`, {
    code: 'E_REGISTRY',
    cause: parsed.error,
  });
}
