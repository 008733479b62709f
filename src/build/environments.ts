/** Decides which environments a ref goes to. */
import type { Manifest } from '../core/manifest.ts';
import { fitsGlob } from './glob.ts';

/**
 * Names of the environments that take `ref` (a full ref). Without rules the default branch goes
 * to production and nothing else goes anywhere.
 */
export function environmentsOf(
  manifest: Manifest,
  ref: string,
  defaultBranch: string | undefined,
): string[] {
  const [, kind, name = ''] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
  if (manifest.environments === undefined) {
    return kind === 'heads' && name === defaultBranch ? ['production'] : [];
  }
  return manifest.environments
    .filter((rule) =>
      (kind === 'tags' ? rule.tags : rule.branches).some((glob) => fitsGlob(glob, name)),
    )
    .map((rule) => rule.name);
}

/** True when one of a manifest's globs for tags fits. */
export function takesTag(globs: string[], tag: string): boolean {
  return globs.some((glob) => fitsGlob(glob, tag));
}

/** Globs of all tags that a manifest sends anywhere. */
export function tagGlobsOf(manifest: Manifest): string[] {
  return (manifest.environments ?? []).flatMap((rule) => rule.tags);
}
