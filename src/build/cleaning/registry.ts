/** Cleans the repositories of this installation in the registry. */
import { z } from 'zod';
import type { Manifest, Registry, Repository } from '../../clients/registry.ts';
import type { Cleaned } from '../../core/cleaning.ts';
import { parseImage } from '../../core/image-reference.ts';
import { configDigest } from '../reuse/bases.ts';
import { freedBy, type Layered } from './layers.ts';
import { imagesOf, type NeededOptions, type ProjectImages, projectImages } from './needed.ts';
import { unneededInRegistry } from './registry-images.ts';

export interface RegistryCleaning extends NeededOptions {
  registry: Registry;
  /** Whoever gives tags waits meanwhile. */
  exclusively: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  /** What runs, and what one can go back to, by digest. */
  released: ReadonlySet<string>;
  dryRun: boolean;
}

/** A manifest with its names in the registry. */
interface Found extends Layered {
  digest: string;
  tags: string[];
}

/** Questions to the registry at a time. */
const atOnce = 8;

export async function cleanRegistry(options: RegistryCleaning): Promise<Cleaned> {
  const gone: (Found & { repository: string })[] = [];
  const kept: Layered[] = [];
  for await (const images of projectImages(options)) {
    for (const name of images.pushed.keys()) {
      const cleaned = await cleanRepository(options, images, name);
      gone.push(...cleaned.gone.map((found) => ({ ...found, repository: name })));
      kept.push(...cleaned.kept);
    }
  }
  const removed = gone.map((found) => ({
    names: namesOf(found),
    bytes: freedBy([found], kept),
  }));
  return { removed, bytes: freedBy(gone, kept), notes: [] };
}

function namesOf({ repository, digest, tags }: Found & { repository: string }): string[] {
  return tags.length > 0 ? tags.map((tag) => `${repository}:${tag}`) : [`${repository}@${digest}`];
}

async function cleanRepository(options: RegistryCleaning, images: ProjectImages, name: string) {
  const { registry, released, dryRun } = options;
  // Where a project is renamed, another one may have come to its path.
  const owner = ownerName(options.install, images.project);
  const repository = parseImage(name);
  if (repository === undefined) return { gone: [], kept: [] };
  const tagsOf = await listManifests(registry, repository, images.pushed.get(name) ?? new Set());
  const found = (
    await inTurns([...tagsOf], ([digest, tags]) =>
      readManifest({ registry, repository, digest, tags }),
    )
  ).filter((one) => one !== undefined);
  const unneeded = new Set(unneededInRegistry({ ...images, tagsOf, needed: images, released }));
  const candidates = found.filter((one) => unneeded.has(one.digest) && one.owner === owner);
  const gone = dryRun
    ? candidates
    : await options.exclusively(`images:${name}`, () =>
        remove(options, { repository, candidates, project: images.project }),
      );
  return { gone, kept: found.filter((one) => !gone.includes(one)) };
}

/** The tags of each manifest, those that lost their tags since they were pushed included. */
async function listManifests(registry: Registry, repository: Repository, pushed: Set<string>) {
  const tags = (await registry.tags(repository)) ?? [];
  const digests = await inTurns(tags, (tag) => registry.digest(repository, tag));
  const tagsOf = new Map<string, string[]>([...pushed].map((digest) => [digest, []]));
  for (const [index, digest] of digests.entries()) {
    const tag = tags[index];
    if (digest === undefined || tag === undefined) continue;
    tagsOf.set(digest, [...(tagsOf.get(digest) ?? []), tag]);
  }
  return tagsOf;
}

const manifestSchema = z.object({
  config: z.object({ digest: z.string(), size: z.number() }),
  layers: z.array(z.object({ digest: z.string(), size: z.number() })),
});

interface Named {
  registry: Registry;
  repository: Repository;
  digest: string;
  tags: string[];
}

/** Undefined for one that is gone, or is no image of ours: a list of platforms. */
async function readManifest({ registry, repository, digest, tags }: Named) {
  const manifest = await registry.manifest(repository, digest);
  const parsed = manifest && manifestSchema.safeParse(JSON.parse(manifest.bytes.toString()));
  if (!manifest || !parsed?.success) return undefined;
  const { config, layers } = parsed.data;
  const blobs = [config, ...layers].map((blob) => ({ key: blob.digest, bytes: blob.size }));
  return { digest, tags, layers: blobs, owner: await ownerOf(registry, repository, manifest) };
}

async function ownerOf(registry: Registry, repository: Repository, manifest: Manifest) {
  const id = configDigest(manifest);
  const config = id === undefined ? undefined : await registry.config(repository, id);
  return ownerName(config?.labels['ekiden.install'], config?.labels['ekiden.project']);
}

/** Whose image it is: of which installation, and of which project there. */
function ownerName(install: string | undefined, project: string | number | undefined) {
  return `${install} ${project}`;
}

interface Candidates {
  repository: Repository;
  candidates: Found[];
  project: number;
}

/** Looks again, now that nobody gives tags: a build may have taken an image up since. */
async function remove(
  options: RegistryCleaning,
  { repository, candidates, project }: Candidates,
): Promise<Found[]> {
  const { registry } = options;
  if (candidates.length === 0) return [];
  const now = await imagesOf(options, project);
  const named = await inTurns([...now.tags], (tag) => registry.digest(repository, tag));
  const gone: Found[] = [];
  for (const candidate of candidates) {
    const { digest } = candidate;
    if (now.digests.has(digest) || named.includes(digest)) continue;
    if (await registry.delete(repository, digest)) gone.push(candidate);
  }
  return gone;
}

/** Some at a time, answers in order. */
async function inTurns<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let from = 0; from < items.length; from += atOnce) {
    answers.push(...(await Promise.all(items.slice(from, from + atOnce).map(work))));
  }
  return answers;
}
