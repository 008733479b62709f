/** Groups, and the tree that they make with the apps. */
import { invalidObject } from '../api/api-error.ts';
import type { App } from '../apps/app-definition.ts';
import { isWithin, parentOf } from '../apps/app-id.ts';

/** A group as it is kept; what is in it follows from the ids. */
export interface Group {
  id: string;
  /** Absolute ids of groups and apps. */
  dependencies: string[];
  /** Whether its services must have the role that it names; only groups right below the root can. */
  enforceRole: boolean;
}

export type Groups = ReadonlyMap<string, Group>;

/** All that there is; the group `/` is always there. */
export interface Root {
  apps: ReadonlyMap<string, App>;
  groups: Groups;
}

/** Wanted definitions by id; null removes. */
export interface RootChange {
  apps: ReadonlyMap<string, App | null>;
  groups: ReadonlyMap<string, Group | null>;
}

export function emptyGroup(id: string): Group {
  return { id, dependencies: [], enforceRole: false };
}

/** The groups that hold `id`, the root last. */
export function ancestorsOf(id: string): string[] {
  if (id === '/') return [];
  const parent = parentOf(id);
  return [parent, ...ancestorsOf(parent)];
}

/** `/dev` for all that is `/dev` or in it; the root for the root. */
export function topLevelOf(id: string): string {
  return `/${id.split('/')[1] ?? ''}`;
}

/**
 * The root after a change. Groups on the way to what is new are made, empty groups give way to an
 * app of their name; throws 422 where an app and a group would share an id.
 */
export function changedRoot(root: Root, change: RootChange): Root {
  const apps = overlaid(root.apps, change.apps);
  const groups = overlaid(root.groups, change.groups);
  const added = [...change.apps, ...change.groups].filter(([, value]) => value !== null);
  for (const [id] of change.apps) if (apps.has(id)) dropEmptyGroup(groups, apps, id);
  for (const id of added.flatMap(([one]) => ancestorsOf(one))) {
    if (!groups.has(id)) groups.set(id, emptyGroup(id));
  }
  const clash = [...groups.keys()].find((id) => apps.has(id));
  if (clash !== undefined) {
    const error = 'Groups and Applications may not have the same identifier.';
    throw invalidObject([{ path: '/', errors: [error] }]);
  }
  return { apps, groups };
}

function dropEmptyGroup(groups: Map<string, Group>, apps: Root['apps'], id: string): void {
  if (!groups.has(id) || [...apps.keys()].some((one) => one !== id && isWithin(one, id))) return;
  for (const group of [...groups.keys()]) if (isWithin(group, id)) groups.delete(group);
}

/**
 * What takes back the groups that a change made or altered, given the apps that are to be then; new
 * groups stay where something else has come into them.
 */
export function takenBack(
  root: Root,
  apps: RootChange['apps'],
  originals: Record<string, Group | null>,
): Map<string, Group | null> {
  const left = overlaid(root.apps, apps);
  const groups = new Map(root.groups);
  const back = new Map<string, Group | null>();
  // What lies in a group has a longer id, so it is looked at before the group.
  const deepestFirst = Object.keys(originals).sort((a, b) => b.length - a.length);
  for (const id of deepestFirst) {
    const original = originals[id] ?? null;
    const isInside = (one: string) => one !== id && isWithin(one, id);
    if (!original && [...left.keys(), ...groups.keys()].some(isInside)) continue;
    back.set(id, original);
    if (!original) groups.delete(id);
  }
  return back;
}

/** Lays wanted values over those that are there; null removes. */
export function overlaid<T>(
  values: ReadonlyMap<string, T>,
  wanted: Iterable<readonly [string, T | null]>,
): Map<string, T> {
  const all = new Map(values);
  for (const [id, value] of wanted) {
    if (value) all.set(id, value);
    else all.delete(id);
  }
  return all;
}

/** What brings `before` to `after`, by identity of the values; null where there is none any more. */
export function differences<T>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
): Map<string, T | null> {
  const changed = new Map<string, T | null>();
  for (const id of before.keys()) if (!after.has(id)) changed.set(id, null);
  for (const [id, value] of after) if (before.get(id) !== value) changed.set(id, value);
  return changed;
}
