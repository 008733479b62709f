/** Decides which images of a Docker host nobody needs. */
import type { Needed } from './needed.ts';

/** An image as Docker lists it. */
export interface HostImage {
  id: string;
  /** `repository:tag`. */
  tags: string[];
  /** `sha256:…` that registries gave it. */
  digests: string[];
  labels: Record<string, string>;
  /** In milliseconds since the epoch. */
  createdAt: number;
}

export interface HostSituation {
  images: HostImage[];
  /** Ids of images that a container was made of, also one that does not run. */
  used: Set<string>;
  needed: Pick<Needed, 'digests' | 'ids' | 'tags'>;
  install: string;
  /** `host:port[/prefix]` of the images of this installation. */
  registry: string;
  /** Older than this, in milliseconds since the epoch, is old enough to go. */
  before: number;
}

/** Only what this installation made, what nobody uses or needs, and what nobody gave a name of their own. */
export function unneededOnHost(situation: HostSituation): HostImage[] {
  const { images, used, needed, install, registry, before } = situation;
  return images.filter(({ id, tags, digests, labels, createdAt }) => {
    if (labels['ekiden.install'] !== install || used.has(id) || needed.ids.has(id)) return false;
    if (createdAt > before || digests.some((digest) => needed.digests.has(digest))) return false;
    return tags.every((tag) => tag.startsWith(`${registry}/`) && !isActive(tag, needed.tags));
  });
}

function isActive(name: string, tags: ReadonlySet<string>): boolean {
  return tags.has(name.slice(name.lastIndexOf(':') + 1));
}
