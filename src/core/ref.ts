/** How refs and commits are shown to people. */

/** A branch or tag without `refs/heads/` or `refs/tags/`. */
export function shortRef(ref: string): string {
  return ref.replace(/^refs\/(heads|tags)\//, '');
}

/** Enough of a sha to know the commit by. */
export function shortSha(sha: string): string {
  return sha.slice(0, 12);
}

/** Why something of an older commit was given up. */
export function supersededBy(sha: string): string {
  return `superseded by ${shortSha(sha)}`;
}
