/** The variables of a build that INCLUDE's words may name in every file. */
import type { Build } from '../core/build.ts';
import { shortRef } from '../core/ref.ts';

/**
 * EKIDEN_REF is a branch or tag without `refs/…`, EKIDEN_TAG stands only for tags, EKIDEN_EVENT is `push`, `tag`, or
 * `request` where a person asked.
 */
export function includeVariables(
  { ref, sha, cause }: Pick<Build, 'ref' | 'sha' | 'cause'>,
  projectPath: string,
): Record<string, string> {
  const isTag = ref.startsWith('refs/tags/');
  const pushed = isTag ? 'tag' : 'push';
  return {
    EKIDEN_REF: shortRef(ref),
    ...(isTag ? { EKIDEN_TAG: shortRef(ref) } : {}),
    EKIDEN_SHA: sha,
    EKIDEN_PROJECT: projectPath,
    EKIDEN_EVENT: cause === 'request' ? 'request' : pushed,
  };
}
