/** Deletes manifests that nobody needs, with a last look at who may have taken one up since. */
import type { Registry, Repository } from '../../clients/registry.ts';
import type { Layered } from './layers.ts';
import { findReleased, imagesOf, type NeededOptions, type ProjectImages } from './needed.ts';
import { isOwnTag, unneededInRegistry } from './registry-images.ts';

export interface RemovalOptions {
  registry: Registry;
  /** Whoever gives tags waits meanwhile. */
  exclusively: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}

/** A manifest with its names in the registry. */
export interface Found extends Layered {
  repository: Repository;
  digest: string;
  tags: string[];
}

export interface Removal {
  /** Of the repository, `host[:port]/path`. */
  name: string;
  repository: Repository;
  project: number;
  candidates: Found[];
  /** All tags that the repository had when it was looked at. */
  known: ReadonlySet<string>;
  onGone: (found: Found) => void;
}

/** Deleted in one go: who wants to give tags waits for less than a lock's patience. */
const atATime = 20;

export async function removeUnneeded(
  options: NeededOptions & RemovalOptions,
  removal: Removal,
): Promise<void> {
  const { candidates, name } = removal;
  for (let from = 0; from < candidates.length; from += atATime) {
    const some = { ...removal, candidates: candidates.slice(from, from + atATime) };
    await options.exclusively(`images:${name}`, () => removeSome(options, some));
  }
}

async function removeSome(options: NeededOptions & RemovalOptions, removal: Removal) {
  const { registry } = options;
  const { repository, candidates, onGone } = removal;
  const needed = await imagesOf(options, removal.project);
  const released = await findReleased(options);
  const tagsOf = await tagsNow(registry, removal, needed);
  const unneeded = new Set(unneededInRegistry({ ...needed, tagsOf, needed, released }));
  for (const found of candidates) {
    if (!unneeded.has(found.digest)) continue;
    if (await registry.delete(repository, found.digest)) onGone(found);
  }
}

/** Looks only at tags that are new, that people gave, or that a build gives just now: others mean nothing. */
async function tagsNow(
  registry: Registry,
  { repository, candidates, known }: Removal,
  { tags: active, refTags }: ProjectImages,
) {
  const all = (await registry.tags(repository)) ?? [];
  const telling = all.filter(
    (tag) => !known.has(tag) || active.has(tag) || !isOwnTag(tag, refTags),
  );
  const digests = await inTurns(telling, (tag) => registry.digest(repository, tag));
  const tagsOf = new Map(candidates.map(({ digest, tags }) => [digest, [...tags]]));
  for (const [index, digest] of digests.entries()) {
    tagsOf.get(digest ?? '')?.push(telling[index] ?? '');
  }
  return tagsOf;
}

/** Questions to the registry at a time. */
const atOnce = 8;

/** Some at a time, answers in order. */
export async function inTurns<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = [];
  for (let from = 0; from < items.length; from += atOnce) {
    answers.push(...(await Promise.all(items.slice(from, from + atOnce).map(work))));
  }
  return answers;
}
