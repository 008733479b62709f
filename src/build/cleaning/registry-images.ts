/** Decides which manifests of a repository nobody needs. */
import { isFingerprint } from '../reuse/fingerprint.ts';
import type { Needed } from './needed.ts';

export interface RepositorySituation {
  /** Tags of each manifest; none for one that lost them all. */
  tagsOf: ReadonlyMap<string, readonly string[]>;
  needed: Pick<Needed, 'digests' | 'tags'>;
  /** What runs, and what one can go back to. */
  released: ReadonlySet<string>;
  /** Tags of branches and tags that were built. */
  refTags: ReadonlySet<string>;
}

/** Digests of manifests that no release and no build needs, and that only Ekiden gave tags. */
export function unneededInRegistry(situation: RepositorySituation): string[] {
  const { tagsOf, needed, released, refTags } = situation;
  return [...tagsOf].flatMap(([digest, tags]) => {
    if (needed.digests.has(digest) || released.has(digest)) return [];
    return tags.every((tag) => isOwnTag(tag, refTags) && !needed.tags.has(tag)) ? [digest] : [];
  });
}

/** True for a tag that builds give: of a commit, a fingerprint, or one of `refTags`. */
export function isOwnTag(tag: string, refTags: ReadonlySet<string>): boolean {
  return /^sha-[0-9a-f]{12}$/.test(tag) || isFingerprint(tag) || refTags.has(tag);
}
