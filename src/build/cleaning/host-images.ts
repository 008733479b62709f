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
  install: string;
  /** `host:port[/prefix]` of the images of this installation. */
  registry: string;
  /** Older than this, in milliseconds since the epoch, is old enough to go. */
  before: number;
}

/** By project: only what this installation made, what nobody uses, and what nobody gave a name of their own. */
export function unusedOnHost(situation: HostSituation): Map<number, HostImage[]> {
  const { images, used, install, registry, before } = situation;
  const found = new Map<number, HostImage[]>();
  for (const image of images) {
    const { id, tags, labels, createdAt } = image;
    const project = Number(labels['ekiden.project']);
    if (labels['ekiden.install'] !== install || !Number.isInteger(project)) continue;
    if (used.has(id) || createdAt > before) continue;
    if (!tags.every((tag) => tag.startsWith(`${registry}/`))) continue;
    found.set(project, [...(found.get(project) ?? []), image]);
  }
  return found;
}

/** True where a release, a build or a deployment needs the image. */
export function isNeeded(
  { id, tags, digests }: HostImage,
  needed: Pick<Needed, 'digests' | 'ids' | 'tags'>,
  released: ReadonlySet<string>,
): boolean {
  if (needed.ids.has(id)) return true;
  if (digests.some((digest) => needed.digests.has(digest) || released.has(digest))) return true;
  return tags.some((name) => needed.tags.has(name.slice(name.lastIndexOf(':') + 1)));
}
