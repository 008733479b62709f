/** How one definition of an app differs from the next, and what its version becomes by that. */
import { isDeepStrictEqual } from 'node:util';
import type { App, Unversioned } from './app-definition.ts';
import type { AppInput } from './app-schema.ts';

/** True when nothing but the number of instances differs: then running instances stay. */
export function sameConfig(before: Unversioned | App, after: Unversioned | App): boolean {
  return isDeepStrictEqual(config(before), config(after));
}

function config(app: Unversioned | App) {
  const { instances: _, version: __, versionInfo: ___, ...rest } = app as App;
  return rest;
}

/** Stamps `next` as the successor of `previous` at the time `now`, by Marathon's rules. */
export function versioned(previous: App | undefined, next: Unversioned, now: string): App {
  if (!previous || !sameConfig(previous, next)) return restarted(next, now);
  const { version, versionInfo } = previous;
  if (previous.instances === next.instances) return { ...next, version, versionInfo };
  return { ...next, version: now, versionInfo: { ...versionInfo, lastScalingAt: now } };
}

/** The same definition as a new configuration: every older instance is to be replaced. */
export function restarted(app: Unversioned | App, now: string): App {
  return { ...app, version: now, versionInfo: { lastScalingAt: now, lastConfigChangeAt: now } };
}

/** Lays a partial update over a definition: a field that is given replaces the whole field. */
export function patched(app: App, update: AppInput): AppInput & { id: string } {
  const { version: _, versionInfo: __, ...base } = app;
  const given = Object.fromEntries(Object.entries(update).filter(([, v]) => v !== undefined));
  const merged: AppInput & { id: string } = { ...base, ...given, id: app.id } as never;
  // A command and arguments exclude each other, so the one that is given wins.
  if (update.cmd !== undefined && update.args === undefined) delete merged.args;
  if (update.args !== undefined && update.cmd === undefined) delete merged.cmd;
  if (update.ports && !update.portDefinitions) delete merged.portDefinitions;
  if (update.uris && !update.fetch) delete merged.fetch;
  if ((update.ipAddress || update.container?.docker?.network) && !update.networks) {
    delete merged.networks;
  }
  // What the old network meant by its ports is nothing that the client asks for now.
  const moved = update.networks?.some(({ mode }) => mode !== 'host');
  if (moved && !update.portDefinitions) delete merged.portDefinitions;
  const isBackOnHost = update.networks?.every(({ mode }) => mode === 'host') ?? false;
  if (isBackOnHost && !update.container && app.container) {
    const { portMappings: ___, ...container } = app.container;
    merged.container = container;
  }
  return merged;
}
