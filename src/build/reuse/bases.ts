/** Which images a build would be made on: what Docker has under their names, else what their registries have. */
import pLimit from 'p-limit';
import { z } from 'zod';
import type { Docker } from '../../clients/docker.ts';
import { isList, type Manifest, type Registry, type Repository } from '../../clients/registry.ts';
import { messageOf } from '../../core/errors.ts';
import { hub, type ImageReference, parseImage } from '../../core/image-reference.ts';
import { parseJson } from '../../core/json.ts';
import { askingDocker, type DockerHost } from './docker-host.ts';
import { Obstacle } from './obstacle.ts';

/** An image by what it holds, whatever its name leads to tomorrow. */
export interface Base {
  /** Digest of its configuration, which is also the id that Docker gives it; on containerd, that of its manifest. */
  id: string;
  /** Steps that a build on it begins with. */
  onBuild: string[];
  /** Names of the environment variables that it sets. */
  env: string[];
}

export interface BasesOptions {
  docker: Pick<Docker, 'getImage'>;
  registry: Pick<Registry, 'manifest' | 'config'>;
  host: Omit<DockerHost, 'builder'>;
  /** Leaves off asking. */
  signal: AbortSignal;
}

/** Questions at a time: a Dockerfile may name any number of images. */
const atOnce = 8;

/** Milliseconds after which building is quicker than to ask any longer. */
const patience = 20_000;

/** The image behind each name. @throws Obstacle for one that nobody shows. */
export async function identifyBases(
  options: BasesOptions,
  names: string[],
): Promise<Record<string, Base>> {
  const { host } = options;
  // Which variant of a processor fits another is decided by rules that Docker's parts do not share.
  if (host.platform.split('/').length > 2) throw new Obstacle('the platform names a variant');
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(patience)]);
  const limit = pLimit(atOnce);
  const identified = names.map((name) =>
    limit(async () => {
      if (signal.aborted) throw new Obstacle('its base images take too long to be looked up');
      return [name, await identify(options, name)] as const;
    }),
  );
  return Object.fromEntries(await Promise.all(identified));
}

async function identify(options: BasesOptions, name: string): Promise<Base> {
  const here = options.host.asksRegistryFirst ? undefined : await localBase(options, name);
  return here ?? remoteBase(options, name);
}

/** Docker takes what it has, and asks nobody whether there is a newer one. */
async function localBase({ docker, host }: BasesOptions, name: string): Promise<Base | undefined> {
  const image = await askingDocker(`about ${name}`, () =>
    docker.getImage(name).inspect().catch(absent),
  );
  if (image === undefined) return undefined;
  const { Id, Os, Architecture, Config } = image;
  // It would look for another one, or warn; which of them tells its version alone.
  if (!isOf(host.platform, { os: Os, architecture: Architecture })) {
    throw new Obstacle(`${name} is here for ${Os}/${Architecture}`);
  }
  return { id: Id, onBuild: Config.OnBuild ?? [], env: namesOf(Config.Env ?? []) };
}

/** A `catch` for what this host does not have. */
function absent(error: unknown): undefined {
  if ((error as { statusCode?: number }).statusCode === 404) return undefined;
  throw error;
}

async function remoteBase({ registry, host }: BasesOptions, name: string): Promise<Base> {
  const image = parseImage(name);
  if (image?.host === hub && host.mirrorsHub && !image.reference.startsWith('sha256:')) {
    throw new Obstacle(`a mirror of Docker Hub may have another ${name}`);
  }
  try {
    const base = image && (await findBase({ registry, platform: host.platform }, image));
    if (base !== undefined) return base;
  } catch (error) {
    throw new Obstacle(`nobody shows what ${name} is now: ${messageOf(error)}`);
  }
  throw new Obstacle(`nobody shows what ${name} is now`);
}

async function findBase(options: Imaging, image: ImageReference): Promise<Base | undefined> {
  const manifest = await options.registry.manifest(image, image.reference);
  const one = manifest && (await ofPlatform(options, image, manifest));
  const id = one && configDigest(one);
  if (id === undefined) return undefined;
  const config = await options.registry.config(image, id);
  return config && { id, onBuild: config.onBuild, env: namesOf(config.env) };
}

const listSchema = z.object({
  manifests: z.array(
    z.object({
      digest: z.string(),
      platform: z.object({ os: z.string(), architecture: z.string() }).optional(),
    }),
  ),
});
const imageSchema = z.object({ config: z.object({ digest: z.string() }) });

interface Imaging {
  registry: Pick<Registry, 'manifest' | 'config'>;
  platform: string;
}

/** The image itself where the manifest is a list; undefined where that has not just one for the platform. */
export async function ofPlatform(
  { registry, platform }: Imaging,
  repository: Repository,
  manifest: Manifest,
): Promise<Manifest | undefined> {
  if (!isList(manifest)) return manifest;
  const { data } = listSchema.safeParse(parseJson(manifest.bytes.toString()));
  const fitting = (data?.manifests ?? []).filter(
    (one) => one.platform && isOf(platform, one.platform),
  );
  // Of several variants of a processor Docker chooses by rules of its own.
  const [one] = fitting.length === 1 ? fitting : [];
  return one && registry.manifest(repository, one.digest);
}

/** Digest of the configuration of an image's manifest; a list of them has none. */
export function configDigest({ bytes }: Manifest): string | undefined {
  const found = imageSchema.safeParse(parseJson(bytes.toString()));
  return found.data?.config.digest;
}

function isOf(
  platform: string,
  { os, architecture }: { os: string; architecture: string },
): boolean {
  const [wantedOs, wantedArchitecture] = platform.split('/');
  return os === wantedOs && architecture === wantedArchitecture;
}

function namesOf(env: string[]): string[] {
  return env.map((pair) => pair.split('=', 1)[0] ?? '');
}
