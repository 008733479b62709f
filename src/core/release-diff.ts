/** What is different between two releases of a service; values of variables are told nowhere. */
import type { Release } from './release.ts';

/** A setting as people read it: absent where the release does not have it. */
export interface SettingChange {
  /** Such as `cpus`, `health.path` or `weights./shop/web`. */
  name: string;
  from?: string;
  to?: string;
}

/** Names, in order. */
export interface NameChanges {
  added: string[];
  removed: string[];
  changed: string[];
}

export interface ReleaseDiff {
  service: string;
  /** Numbers; absent where the service has no release on that side. */
  from?: number;
  to?: number;
  sha: { from?: string; to?: string };
  /** By digest. */
  image: { from?: string; to?: string };
  variables: NameChanges;
  /** What INCLUDE spliced into the Dockerfile, by file. */
  fragments: NameChanges;
  /** Resources, checks, routes, number of instances, how it is deployed, and weights. */
  settings: SettingChange[];
  /** True where nothing but the number, and what goes with a commit, is different. */
  isSame: boolean;
}

/** Either may be missing: a service that came, or is gone. */
export function diffReleases(
  from: Release | undefined,
  to: Release | undefined,
): Omit<ReleaseDiff, 'service'> {
  const variables = namesIn(environmentOf(from), environmentOf(to));
  const fragments = namesIn(fragmentsOf(from), fragmentsOf(to));
  const settings = settingsIn(settingsOf(from), settingsOf(to));
  const changes = [settings, ...Object.values(variables), ...Object.values(fragments)];
  const sides = <T>(of: (release: Release) => T) => ({
    ...(from ? { from: of(from) } : {}),
    ...(to ? { to: of(to) } : {}),
  });
  return {
    ...sides(({ number }) => number),
    sha: sides(({ sha }) => sha),
    image: sides(({ image }) => image),
    ...{ variables, fragments, settings },
    isSame: from?.image === to?.image && changes.every((list) => list.length === 0),
  };
}

function environmentOf(release: Release | undefined): Map<string, string> {
  const env = (release?.definition['env'] ?? {}) as Record<string, unknown>;
  return new Map(Object.entries(env).map(([name, value]) => [name, JSON.stringify(value)]));
}

function fragmentsOf(release: Release | undefined): Map<string, string> {
  return new Map(release?.fragments.map(({ file, sha256 }) => [file, sha256]));
}

function namesIn(from: Map<string, string>, to: Map<string, string>): NameChanges {
  return {
    added: [...to.keys()].filter((name) => !from.has(name)).sort(),
    removed: [...from.keys()].filter((name) => !to.has(name)).sort(),
    changed: [...to.keys()]
      .filter((name) => from.has(name) && from.get(name) !== to.get(name))
      .sort(),
  };
}

function settingsOf(release: Release | undefined): Map<string, string> {
  if (!release) return new Map();
  const { env: _, name: __, ...spec } = release.spec;
  const { deploy, weights = {} } = release;
  return new Map(leavesOf({ ...spec, deploy, weights }, ''));
}

/** Every value that is no object, under the names that lead to it. */
function leavesOf(value: unknown, name: string): [string, string][] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [[name, typeof value === 'string' ? value : JSON.stringify(value)]];
  }
  return Object.entries(value).flatMap(([key, inner]) =>
    leavesOf(inner, name === '' ? key : `${name}.${key}`),
  );
}

function settingsIn(from: Map<string, string>, to: Map<string, string>): SettingChange[] {
  const names = [...new Set([...from.keys(), ...to.keys()])].sort();
  return names.flatMap((name) => {
    const [before, after] = [from.get(name), to.get(name)];
    if (before === after) return [];
    return [
      {
        name,
        ...(before === undefined ? {} : { from: before }),
        ...(after === undefined ? {} : { to: after }),
      },
    ];
  });
}
