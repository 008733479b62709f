/** The last versions of the root: what each write replaced, so that any of them can be made again. */
import type { App } from '../apps/app-definition.ts';
import { type Group, overlaid, type Root } from '../groups/group.ts';

/** One write: `apps` and `groups` are what was there before it, null for nothing. */
export interface Replaced {
  version: string;
  apps: Record<string, App | null>;
  groups: Record<string, Group | null>;
}

/** Marathon's `--zk_max_versions`. */
const MAX_VERSIONS = 50;

/** Some 10 MB of JSON: all of it is written anew with each write. */
const MAX_APPS = 5_000;

/** Adds a write and forgets the oldest ones beyond the bounds, in place. */
export function remember(history: Replaced[], write: Replaced): void {
  history.push(write);
  let apps = 0;
  let kept = 0;
  for (const { apps: replaced } of history.toReversed()) {
    apps += Object.keys(replaced).length;
    if (kept > 0 && (apps > MAX_APPS || kept === MAX_VERSIONS)) break;
    kept += 1;
  }
  history.splice(0, history.length - kept);
}

/** The root as the write of `version` left it; undefined where that is not known. */
export function rootAt(now: Root, history: Replaced[], version: string): Root | undefined {
  const wanted = Date.parse(version);
  if (!history.some((write) => Date.parse(write.version) === wanted)) return undefined;
  let { apps, groups } = now;
  for (const write of history.toReversed()) {
    if (Date.parse(write.version) === wanted) break;
    apps = overlaid(apps, Object.entries(write.apps));
    groups = overlaid(groups, Object.entries(write.groups));
  }
  return { apps, groups };
}

/** The versions at which a group was there, newest first. */
export function versionsOf(now: Root, history: Replaced[], id: string): string[] {
  let isThere = now.groups.has(id);
  const versions: string[] = [];
  for (const { version, groups } of history.toReversed()) {
    if (isThere) versions.push(version);
    if (Object.hasOwn(groups, id)) isThere = groups[id] !== null;
  }
  return versions;
}
