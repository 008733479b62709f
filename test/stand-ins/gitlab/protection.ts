/** Protected branches and tags: names or patterns with `*`. */
import type { Project } from './state.ts';

/** Whether a full ref, such as `refs/heads/main`, is protected. */
export function isProtected(project: Project, ref: string): boolean {
  return protectedRefs(project).some((pattern) => {
    const escaped = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
    return new RegExp(`^${escaped}$`).test(ref);
  });
}

/** All patterns of full refs. */
export function protectedRefs(project: Project): string[] {
  return [
    ...project.protectedBranches.map((name) => `refs/heads/${name}`),
    ...project.protectedTags.map((name) => `refs/tags/${name}`),
  ];
}
