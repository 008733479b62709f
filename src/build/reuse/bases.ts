/** Which images a build would be made on: what Docker has under their names, else what their registries have. */
import { z } from 'zod';
import type { Docker } from '../../clients/docker.ts';
import { isList, type Manifest, type Registry, type Repository } from '../../clients/registry.ts';
import { EkidenError } from '../../core/errors.ts';
import { parseImage } from '../../core/image-reference.ts';
import { Obstacle } from './obstacle.ts';

/** An image by what it holds, whatever its name leads to tomorrow. */
export interface Base {
  /** Digest of its configuration, which is also the id that Docker gives it. */
  id: string;
  /** Steps that a build on it begins with. */
  onBuild: string[];
  /** Names of the environment variables that it sets. */
  env: string[];
}

export interface BasesOptions {
  docker: Pick<Docker, 'getImage'>;
  registry: Pick<Registry, 'manifest' | 'config'>;
  /** Such as `linux/amd64`. */
  platform: string;
}

/** The image behind each name. @throws Obstacle for one that nobody shows. */
export async function identifyBases(
  options: BasesOptions,
  names: string[],
): Promise<Record<string, Base>> {
  // Which variant of a processor fits another is decided by rules that Docker's parts do not share.
  if (options.platform.split('/').length > 2) throw new Obstacle('the platform names a variant');
  const found = await Promise.all(
    names.map(async (name) => [name, await identify(options, name)] as const),
  );
  return Object.fromEntries(found);
}

async function identify(options: BasesOptions, name: string): Promise<Base> {
  const base = (await localBase(options, name)) ?? (await remoteBase(options, name));
  if (base === undefined) throw new Obstacle(`nobody shows what ${name} is now`);
  return base;
}

/** Docker takes what it has, and asks nobody whether there is a newer one. */
async function localBase(
  { docker, platform }: BasesOptions,
  name: string,
): Promise<Base | undefined> {
  try {
    const { Id, Os, Architecture, Config } = await docker.getImage(name).inspect();
    // It would look for another one, or warn; which of them tells its version alone.
    if (!isOf(platform, { os: Os, architecture: Architecture })) {
      throw new Obstacle(`${name} is here for ${Os}/${Architecture}`);
    }
    return { id: Id, onBuild: Config.OnBuild ?? [], env: namesOf(Config.Env ?? []) };
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}

async function remoteBase(
  { registry, platform }: BasesOptions,
  name: string,
): Promise<Base | undefined> {
  const image = parseImage(name);
  if (image === undefined) return undefined;
  try {
    const manifest = await registry.manifest(image, image.reference);
    const one = manifest && (await ofPlatform({ registry, platform }, image, manifest));
    const id = one && configDigest(one);
    if (id === undefined) return undefined;
    const config = await registry.config(image, id);
    return config && { id, onBuild: config.onBuild, env: namesOf(config.env) };
  } catch (error) {
    if (error instanceof EkidenError) return undefined;
    throw error;
  }
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

async function ofPlatform(
  { registry, platform }: Pick<BasesOptions, 'registry' | 'platform'>,
  repository: Repository,
  manifest: Manifest,
): Promise<Manifest | undefined> {
  if (!isList(manifest)) return manifest;
  const { manifests } = listSchema.parse(JSON.parse(manifest.bytes.toString()));
  const fitting = manifests.filter((one) => one.platform && isOf(platform, one.platform));
  // Of several variants of a processor Docker chooses by rules of its own.
  const [one] = fitting.length === 1 ? fitting : [];
  return one && registry.manifest(repository, one.digest);
}

/** Digest of the configuration of an image's manifest. */
export function configDigest({ bytes }: Manifest): string | undefined {
  const found = imageSchema.safeParse(JSON.parse(bytes.toString()));
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
