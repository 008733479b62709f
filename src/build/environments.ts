/** Decides which environments a ref goes to. */
import type { Manifest } from '../core/manifest.ts';

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
      (kind === 'tags' ? rule.tags : rule.branches).some((glob) => fits(glob, name)),
    )
    .map((rule) => rule.name);
}

/** True when one of a manifest's globs for tags fits. */
export function takesTag(globs: string[], tag: string): boolean {
  return globs.some((glob) => fits(glob, tag));
}

/** Matches a glob in which `*` stands for anything, without a regular expression's worst case. */
function fits(glob: string, name: string): boolean {
  const [head = '', ...rest] = glob.split('*');
  if (rest.length === 0) return glob === name;
  if (!name.startsWith(head)) return false;
  const tail = rest.pop() ?? '';
  let from = head.length;
  for (const part of rest) {
    const at = name.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return name.length - tail.length >= from && name.endsWith(tail);
}

/** Globs of all tags that a manifest sends anywhere. */
export function tagGlobsOf(manifest: Manifest): string[] {
  return (manifest.environments ?? []).flatMap((rule) => rule.tags);
}
