/** Which roles an app may have; they say nothing of where it runs on one host. */

import { type Groups, topLevelOf } from '../groups/group.ts';
import type { App } from './app-definition.ts';
import { parentOf } from './app-id.ts';

/** Marathon's `--mesos_role`. */
const DEFAULT_ROLE = '*';

/** `fallback` is the role of an app that names none. */
export interface Roles {
  fallback: string;
  valid: string[];
}

/** Marathon's RoleSettings: a group that enforces its role gives it to all that is new in it. */
export function rolesFor(id: string, groups: Groups, current: App | undefined): Roles {
  const kept = current ? [current.role] : [];
  const top = topLevelOf(id);
  const own = top.slice(1);
  const isEnforced = groups.get(top)?.enforceRole === true;
  const fallback = isEnforced ? own : DEFAULT_ROLE;
  const others = parentOf(id) === '/' ? [] : [own];
  return { fallback, valid: [...new Set([fallback, ...others, ...kept])] };
}
