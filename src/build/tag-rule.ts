/** Tells early whether a pushed tag can go anywhere. */
import type { GitLab } from '../clients/gitlab.ts';
import { takesTag } from './environments.ts';
import { manifestFile, parseManifest } from './manifest.ts';

export interface TaggedCommit {
  project: number;
  sha: string;
  /** Without `refs/tags/`. */
  tag: string;
}

/**
 * True when the manifest at the commit sends the tag to an environment, false when not, and
 * undefined when nobody knows after `within` milliseconds or the manifest cannot be read.
 */
export async function takesTagAt(
  gitlab: GitLab,
  { project, sha, tag }: TaggedCommit,
  within: number,
): Promise<boolean | undefined> {
  const unknown = new Promise<undefined>((wake) => setTimeout(wake, within, undefined).unref());
  const known = gitlab
    .file(project, manifestFile, sha)
    .then((bytes) => takesTag(parseManifest(bytes), tag))
    .catch(() => undefined);
  return Promise.race([known, unknown]);
}
