/** Who belongs to a project or a group: own members, those of the groups above, and their levels. */
import type { Group, Membership, Project, State, User } from './state.ts';

/** What the rules need to know: everything, and what time it is. */
export interface Known {
  state: State;
  now(): number;
}

/** The group of this path and all above it, the nearest first. */
export function groupsAbove(state: State, path: string): Group[] {
  const names = path.split('/');
  const paths = names.map((_, index) => names.slice(0, names.length - index).join('/'));
  return paths.flatMap((one) => state.groups.filter(({ fullPath }) => fullPath === one));
}

/** The path of the group or user that a project lies in. */
export function namespaceOf(project: Project): string {
  return project.fullPath.split('/').slice(0, -1).join('/');
}

/** Members of the project and of its groups by user; each once, with the highest level. */
export function allMembers(state: State, project: Project): Map<number, Membership> {
  const groups = groupsAbove(state, namespaceOf(project));
  return highest([project.members, ...groups.map(({ members }) => members)]);
}

/** Members of the group and of those above it by user; each once, with the highest level. */
export function allGroupMembers(state: State, group: Group): Map<number, Membership> {
  return highest(groupsAbove(state, group.fullPath).map(({ members }) => members));
}

function highest(sources: Map<number, Membership>[]): Map<number, Membership> {
  const found = new Map<number, Membership>();
  for (const [userId, membership] of sources.flatMap((members) => [...members])) {
    const known = found.get(userId);
    if (known === undefined || known.level < membership.level) found.set(userId, membership);
  }
  return found;
}

/** The level of `user` in `project`: 0 means that the project does not exist for them. */
export function accessLevel(known: Known, user: User, project: Project): number {
  if (user.admin) return 50;
  const sources = [
    project.members,
    ...groupsAbove(known.state, namespaceOf(project)).map(({ members }) => members),
  ];
  const level = bestLevel(known, user, sources);
  const isHidden =
    project.visibility === 'internal' ? user.external : project.visibility === 'private';
  return level > 0 || isHidden ? level : 5;
}

/** The level of `user` in `group`; whoever has a project below it sees the group, at level 5. */
export function groupLevel(known: Known, user: User, group: Group): number {
  if (user.admin) return 50;
  const above = groupsAbove(known.state, group.fullPath).map(({ members }) => members);
  const level = bestLevel(known, user, above);
  if (level > 0) return level;
  const below = known.state.projects.filter((one) => one.fullPath.startsWith(`${group.fullPath}/`));
  return below.some((project) => accessLevel(known, user, project) > 0) ? 5 : 0;
}

/** What `user` gets from these: an expired membership is listed on, but opens nothing. */
export function bestLevel(known: Known, user: User, sources: Map<number, Membership>[]): number {
  const today = new Date(known.now()).toISOString().slice(0, 10);
  const levels = sources.map((members) => {
    const membership = members.get(user.id);
    if (membership === undefined || membership.state !== 'active') return 0;
    const { expiresAt } = membership;
    return expiresAt !== null && expiresAt <= today ? 0 : membership.level;
  });
  return Math.max(0, ...levels);
}
