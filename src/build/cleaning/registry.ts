/** Cleans the repositories of this installation in the registry. */
import { z } from 'zod';
import type { Manifest, Registry, Repository } from '../../clients/registry.ts';
import type { Cleaned } from '../../core/cleaning.ts';
import { EkidenError, messageOf } from '../../core/errors.ts';
import { parseImage } from '../../core/image-reference.ts';
import { configDigest } from '../reuse/bases.ts';
import { freedBy, type Layered } from './layers.ts';
import { findReleased, imagesOf, type NeededOptions, type ProjectImages } from './needed.ts';
import { unneededInRegistry } from './registry-images.ts';
import { type Found, inTurns, type RemovalOptions, removeUnneeded } from './registry-removal.ts';

export interface RegistryCleaning extends NeededOptions, RemovalOptions {
  dryRun: boolean;
}

/** What is known of all repositories so far. */
interface Tally {
  /** Digests of what runs, and of what one can go back to. */
  released: ReadonlySet<string>;
  found: Found[];
  gone: Set<Found>;
  notes: string[];
  /** How often in a row each registry failed. */
  failures: Map<string, number>;
}

export async function cleanRegistry(options: RegistryCleaning): Promise<Cleaned> {
  const released = await findReleased(options);
  const tally: Tally = { released, found: [], gone: new Set(), notes: [], failures: new Map() };
  for (const project of await options.knownProjects.ids()) {
    const images = await imagesOf(options, project);
    for (const name of images.pushed.keys()) await tryRepository(options, tally, { images, name });
  }
  const gone = [...tally.gone];
  const kept = tally.found.filter((found) => !tally.gone.has(found));
  const removed = gone.map((found) => ({ names: namesOf(found), bytes: freedBy([found], kept) }));
  return { removed, bytes: freedBy(gone, kept), notes: tally.notes };
}

function namesOf({ repository: { host, path }, digest, tags }: Found): string[] {
  const name = `${host}/${path}`;
  return tags.length > 0 ? tags.map((tag) => `${name}:${tag}`) : [`${name}@${digest}`];
}

interface Named {
  images: ProjectImages;
  /** Of the repository, `host[:port]/path`. */
  name: string;
}

/** Who does not answer takes his time over it; his other repositories would take as long each. */
const failuresInARow = 3;

/** One that cannot be cleaned, as of a registry that is no more, keeps no other from it. */
async function tryRepository(options: RegistryCleaning, tally: Tally, named: Named): Promise<void> {
  const { failures, notes } = tally;
  const repository = parseImage(named.name);
  if (repository === undefined) return;
  const { host } = repository;
  const count = failures.get(host) ?? 0;
  if (count === failuresInARow) return;
  try {
    await cleanRepository(options, tally, { ...named, repository });
    failures.delete(host);
  } catch (error) {
    notes.push(`${named.name} stays: ${messageOf(error)}`);
    if (!(error instanceof EkidenError && error.retryable)) return;
    failures.set(host, count + 1);
    if (count + 1 === failuresInARow) {
      notes.push(`${host} is asked no more: its other repositories stay`);
    }
  }
}

async function cleanRepository(
  options: RegistryCleaning,
  { released, ...tally }: Tally,
  { images, name, repository }: Named & { repository: Repository },
): Promise<void> {
  const { registry, install, dryRun } = options;
  const tagsOf = await listManifests(registry, repository, images.pushed.get(name) ?? new Set());
  const read = ([digest, tags]: [string, string[]]) =>
    readManifest({ registry, repository, digest, tags });
  const found = (await inTurns([...tagsOf], read)).filter((one) => one !== undefined);
  tally.found.push(...found);
  const unneeded = new Set(unneededInRegistry({ ...images, tagsOf, needed: images, released }));
  // Where a project is renamed, another one may have come to its path.
  const owner = ownerName(install, images.project);
  const candidates = found.filter((one) => unneeded.has(one.digest) && one.owner === owner);
  if (dryRun) for (const one of candidates) tally.gone.add(one);
  else {
    const known = new Set([...tagsOf.values()].flat());
    const { project } = images;
    await removeUnneeded(options, {
      ...{ name, repository, project, candidates, known },
      onGone: (one) => tally.gone.add(one),
    });
  }
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

interface Reading extends Pick<Found, 'repository' | 'digest' | 'tags'> {
  registry: Registry;
}

/** Undefined for one that is gone, or is no image of ours: a list of platforms. */
async function readManifest({ registry, repository, digest, tags }: Reading) {
  const manifest = await registry.manifest(repository, digest);
  const parsed = manifest && manifestSchema.safeParse(JSON.parse(manifest.bytes.toString()));
  if (!manifest || !parsed?.success) return undefined;
  const { config, layers } = parsed.data;
  const blobs: Layered['layers'] = [config, ...layers].map((blob) => ({
    // Registries share nothing with each other.
    key: `${repository.host} ${blob.digest}`,
    bytes: blob.size,
  }));
  const owner = await ownerOf(registry, repository, manifest);
  return { repository, digest, tags, layers: blobs, owner };
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
