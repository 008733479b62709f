/** Cleans a Docker host: images of this installation, and BuildKit's cache where a setting bounds it. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Docker } from '../../clients/docker.ts';
import { buildCacheSize, pruneBuildCache } from '../../clients/docker-build-cache.ts';
import type { Cleaned } from '../../core/cleaning.ts';
import { messageOf } from '../../core/errors.ts';
import { type HostImage, isNeeded, unusedOnHost } from './host-images.ts';
import { freedBy, type Layered } from './layers.ts';
import type { Needed } from './needed.ts';

export interface HostCleaning {
  docker: Docker;
  /** Digests of what runs, and of what one can go back to. */
  released: () => Promise<ReadonlySet<string>>;
  /** What builds and deployments of a project need now. */
  neededBy: (project: number) => Promise<Needed>;
  install: string;
  registry: string;
  /** In milliseconds since the epoch. */
  before: number;
  dryRun: boolean;
}

export async function cleanHost(options: HostCleaning): Promise<Cleaned> {
  const { docker } = options;
  const images = await listImages(docker);
  const containers = await docker.listContainers({ all: true });
  const used = new Set(containers.map(({ ImageID }) => ImageID));
  const unused = unusedOnHost({ ...options, images, used });
  if (unused.size === 0) return { removed: [], bytes: 0, notes: [] };
  // Asked for before anything goes: nobody can tell the size of what is gone.
  const layers = await layersOf(docker, images);
  const { gone, notes } = await removeUnneeded(options, unused);
  const kept = images.filter((image) => !gone.includes(image)).map(layers);
  return {
    removed: gone.map((image) => ({
      names: namesOf(image),
      bytes: freedBy([layers(image)], kept),
    })),
    bytes: freedBy(gone.map(layers), kept),
    notes,
  };
}

async function removeUnneeded(options: HostCleaning, unused: Map<number, HostImage[]>) {
  const { docker, dryRun, neededBy } = options;
  const gone: HostImage[] = [];
  const notes: string[] = [];
  const released = await options.released();
  for (const [project, images] of unused) {
    // Asked for right before they go, since builds go on meanwhile.
    const needed = await neededBy(project);
    for (const image of images) {
      if (isNeeded(image, needed, released)) continue;
      if (!dryRun && (await wasRenamed(docker, image))) continue;
      const problem = dryRun ? undefined : await removeImage(docker, image);
      if (problem === undefined) gone.push(image);
      else notes.push(problem);
    }
  }
  return { gone, notes };
}

/** True where somebody gave the image a name since it was listed, as a build does that came to it again. */
async function wasRenamed(docker: Docker, { id, tags }: HostImage): Promise<boolean> {
  const now = await docker
    .getImage(id)
    .inspect()
    .catch(() => undefined);
  return (now?.RepoTags ?? []).some((tag) => !tags.includes(tag));
}

async function listImages(docker: Docker): Promise<HostImage[]> {
  const images = await docker.listImages();
  return images.map(({ Id, RepoTags, RepoDigests, Labels, Created }) => ({
    id: Id,
    tags: (RepoTags ?? []).filter((tag) => tag !== '<none>:<none>'),
    digests: (RepoDigests ?? []).flatMap((name) => name.split('@')[1] ?? []),
    labels: Labels ?? {},
    createdAt: Created * 1000,
  }));
}

function namesOf({ tags, id }: HostImage): string[] {
  return tags.length > 0 ? tags : [id];
}

/** Takes one name after the other, and never by force: who uses it since keeps it. Answers what was in the way. */
async function removeImage(docker: Docker, image: HostImage): Promise<string | undefined> {
  for (const name of namesOf(image)) {
    try {
      await docker.getImage(name).remove();
    } catch (error) {
      const { statusCode } = error as { statusCode?: number };
      if (statusCode !== 404) return `${name} stays: ${messageOf(error)}`;
    }
  }
  return undefined;
}

const historySchema = z.array(
  z.object({
    Created: z.number().default(0),
    CreatedBy: z.string().default(''),
    Size: z.number().default(0),
  }),
);

/** Questions to Docker at a time. */
const atOnce = 8;

/** Layers of each image. */
async function layersOf(docker: Docker, images: HostImage[]) {
  const found = new Map<string, Layered>();
  for (let from = 0; from < images.length; from += atOnce) {
    const some = images.slice(from, from + atOnce);
    // One that went in the meantime has none any more.
    const layered = await Promise.all(
      some.map(({ id }) => layersOfImage(docker, id).catch(() => ({ layers: [] }))),
    );
    for (const [index, { id }] of some.entries()) found.set(id, layered[index] ?? { layers: [] });
  }
  return ({ id }: HostImage): Layered => found.get(id) ?? { layers: [] };
}

/**
 * Docker tells sizes of steps, and not which of them made a layer: one that only made a folder has none either.
 * So a layer is known by the steps that led to it, from the first layer on; what holds nothing counts nothing.
 */
async function layersOfImage(docker: Docker, id: string): Promise<Layered> {
  const image = docker.getImage(id);
  const [{ RootFS }, history] = await Promise.all([image.inspect(), image.history()]);
  const steps = historySchema.parse(history).filter(({ Size }) => Size > 0);
  let chain = RootFS.Layers?.[0] ?? '';
  const layers = steps.reverse().map(({ Created, CreatedBy, Size }) => {
    chain = createHash('sha256')
      .update(JSON.stringify([chain, Created, CreatedBy, Size]))
      .digest('hex');
    return { key: chain, bytes: Size };
  });
  return { layers };
}

/**
 * Prunes BuildKit's cache down to `keep` bytes; answers how many bytes went. The cache has no labels: it
 * is that of the whole daemon.
 */
export async function cleanBuildCache(
  docker: Docker,
  { keep, dryRun }: { keep: number; dryRun: boolean },
): Promise<number> {
  const excess = Math.max(0, (await buildCacheSize(docker)) - keep);
  return dryRun || excess === 0 ? excess : pruneBuildCache(docker, keep);
}
