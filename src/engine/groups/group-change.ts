/** What the writes of groups do to the tree: pure, from the tree as it is to what shall differ. */
import { ApiError, allValid } from '../api/api-error.ts';
import { restarted, versioned } from '../apps/app-change.ts';
import type { App } from '../apps/app-definition.ts';
import { isWithin, parentOf, resolvedId } from '../apps/app-id.ts';
import type { AppInput } from '../apps/app-schema.ts';
import { defineApp } from '../apps/define-app.ts';
import { takenServicePorts } from '../apps/service-ports.ts';
import { emptyGroup, type Group, overlaid, type Root } from './group.ts';
import type { GroupWish } from './group-validation.ts';

/** Wanted definitions by id; null removes. */
export interface TreeChange {
  targets: Map<string, App | null>;
  groups: Map<string, Group | null>;
}

/** The group with all in it shall be what it was in `past`; 422 where it was not there then. */
export function restoredGroup(root: Root, past: Root, { id, version, now }: Restoring): TreeChange {
  if (!past.groups.has(id)) {
    throw new ApiError(422, `Group ${id} not available in version ${version}`);
  }
  const change = removedGroup(root, id);
  for (const [appId, app] of past.apps) {
    if (!isWithin(appId, id)) continue;
    const current = root.apps.get(appId);
    change.targets.set(appId, current ? versioned(current, app, now) : restarted(app, now));
  }
  for (const [groupId, group] of past.groups) {
    if (isWithin(groupId, id)) change.groups.set(groupId, group);
  }
  return change;
}

interface Restoring {
  id: string;
  version: string;
  /** The version that this write gives. */
  now: string;
}

/** All apps of the group get `factor` times as many instances, rounded up. */
export function scaledGroup(
  root: Root,
  { id, factor, now }: { id: string; factor: number; now: string },
): TreeChange {
  const targets = new Map<string, App>();
  for (const [appId, app] of root.apps) {
    if (!isWithin(appId, id)) continue;
    const scaled = { ...app, instances: Math.ceil(app.instances * factor) };
    targets.set(appId, versioned(app, scaled, now));
  }
  return { targets, groups: new Map([[id, root.groups.get(id) ?? emptyGroup(id)]]) };
}

/** The group goes with all in it; of the root, only what is in it. */
export function removedGroup(root: Root, id: string): TreeChange {
  const apps = [...root.apps.keys()].filter((one) => isWithin(one, id));
  const groups = [...root.groups.keys()].filter((one) => one !== '/' && isWithin(one, id));
  const emptied: [string, Group][] = id === '/' ? [['/', emptyGroup('/')]] : [];
  return {
    targets: new Map(apps.map((one) => [one, null])),
    groups: new Map<string, Group | null>([
      ...groups.map((one) => [one, null] as const),
      ...emptied,
    ]),
  };
}

/**
 * The group shall hold what the client lists. Apps, groups and dependencies that it does not speak
 * of stay; of a list that it gives, what is not in it goes. Marathon's UpdateGroupStructureOp is
 * the source of the rules. Throws 422 for apps that break a rule.
 */
export function updatedGroup(root: Root, wish: GroupWish, now: string): TreeChange {
  const wanted: Wanted = { apps: new Map(), kept: new Set(), groups: new Map() };
  collect(root, wish, '', wanted);
  const change = removedGroup(root, wish.id);
  for (const [id, group] of wanted.groups) change.groups.set(id, group);
  for (const id of wanted.kept) change.targets.delete(id);
  const groups = overlaid(root.groups, change.groups);
  const apps = overlaid(root.apps, change.targets);
  const taken = takenServicePorts(root.apps.values());
  allValid(wanted.apps, ([id, { input, at }]) => {
    // The definition that there is decides what a new one changes, and which ports it keeps.
    const current = root.apps.get(id);
    if (current) apps.set(id, current);
    const wish = { id, input, partial: false, version: now, at, taken };
    const app = defineApp({ apps, groups }, wish);
    apps.set(id, app);
    change.targets.set(id, app);
  });
  return change;
}

interface Wanted {
  /** Definitions as they are sent, and where they stand in the request. */
  apps: Map<string, { input: AppInput; at: string }>;
  /** Apps that stay as they are. */
  kept: Set<string>;
  groups: Map<string, Group>;
}

function collect(root: Root, { id, input }: GroupWish, at: string, wanted: Wanted): void {
  const before = root.groups.get(id) ?? emptyGroup(id);
  wanted.groups.set(id, {
    id,
    dependencies: dependenciesOf({ id, input }) ?? before.dependencies,
    enforceRole: input.enforceRole ?? before.enforceRole,
  });
  for (const [index, app] of (input.apps ?? []).entries()) {
    const dependencies = app.dependencies?.map((one) => resolvedId(one, id));
    wanted.apps.set(resolvedId(app.id ?? '', id), {
      input: { ...app, dependencies },
      at: `${at}/apps(${index})`,
    });
  }
  for (const [index, child] of (input.groups ?? []).entries()) {
    const childId = resolvedId(child.id ?? '', id);
    collect(root, { id: childId, input: child }, `${at}/groups(${index})`, wanted);
  }
  keepUnnamed(root, { id, input }, wanted);
}

/** A set, as Marathon has it. */
function dependenciesOf({ id, input: { dependencies } }: GroupWish): string[] | undefined {
  return dependencies && [...new Set(dependencies.map((one) => resolvedId(one, id)))];
}

/** Of what is in the group itself, and of what is in groups below it, as the request is silent about it. */
function keepUnnamed(root: Root, { id, input }: GroupWish, { kept, groups }: Wanted): void {
  for (const appId of root.apps.keys()) {
    const isOwn = parentOf(appId) === id;
    const isBelow = !isOwn && isWithin(appId, id);
    if ((isOwn && !input.apps) || (isBelow && !input.groups)) kept.add(appId);
  }
  if (input.groups) return;
  for (const [groupId, group] of root.groups) {
    if (groupId !== id && isWithin(groupId, id)) groups.set(groupId, group);
  }
}
