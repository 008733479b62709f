/** The platform's fragments: named, versioned Dockerfile pieces that every project may include. */

import type { Stats } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { unlessMissing } from './missing.ts';
import { parseNotices, type VersionNotices } from './version-notices.ts';

export interface TemplateSource {
  /** All versions of a template, in any order; undefined where there is no such template. */
  versions(name: string): Promise<string[] | undefined>;
  /** The bytes of one of these versions. */
  read(name: string, version: string): Promise<Buffer>;
  /** Which versions are not to be used (any more). */
  notices?(name: string): Promise<VersionNotices>;
  /** The names of all templates, for hints. */
  names?(): Promise<string[]>;
  /** Markdown that tells how a template is used. */
  readme?(name: string): Promise<string | undefined>;
}

const EXTENSION = '.dockerfile';
const NOTICES = 'versions.yml';
const README = 'README.md';
/** Versions whose place is remembered. */
const MOST_HOMES = 5_000;
const RELEASE = /^\d+(?:\.\d+)*$/;

/** Templates kept as files `<directory>/<name>/<version>.dockerfile`, with a `versions.yml` beside them. */
export function createTemplates(directory: string): TemplateSource {
  return {
    async versions(name) {
      const files = await namesIn(join(directory, name), (entry) => entry.isFile());
      return files
        ?.filter((file) => file.endsWith(EXTENSION))
        .map((file) => file.slice(0, -EXTENSION.length));
    },
    read: (name, version) => readFile(join(directory, name, `${version}${EXTENSION}`)),
    async notices(name) {
      const bytes = await unlessMissing(readFile(join(directory, name, NOTICES)));
      return parseNotices(bytes, `${name}/${NOTICES}`);
    },
    async names() {
      return (await namesIn(directory, (entry) => entry.isDirectory())) ?? [];
    },
    readme: (name) => unlessMissing(readFile(join(directory, name, README), 'utf8')),
  };
}

/** Links are followed: the folder is the administrator's, and one that Kubernetes mounts is full of them. */
async function namesIn(
  folder: string,
  isWanted: (entry: Stats) => boolean,
): Promise<string[] | undefined> {
  const found = await unlessMissing(readdir(folder));
  const names = found?.filter((name) => !name.startsWith('.')) ?? [];
  const entries = await Promise.all(names.map((name) => unlessMissing(stat(join(folder, name)))));
  const isThere = (entry: Stats | undefined) => entry !== undefined && isWanted(entry);
  return found && names.filter((_, index) => isThere(entries[index]));
}

/** All templates of several places; a version that several have is read from the first of these. */
export function joinTemplates(places: readonly TemplateSource[]): TemplateSource {
  // Filled as a version is chosen, so that its place is not asked for anew when it is read.
  const homes = new LRUCache<string, TemplateSource>({ max: MOST_HOMES });

  async function versions(name: string): Promise<string[] | undefined> {
    const found = await Promise.all(places.map((place) => place.versions(name)));
    const all = new Set(found.flatMap((those) => those ?? []));
    for (const version of all) {
      const place = places[found.findIndex((those) => those?.includes(version))];
      if (place) homes.set(`${name}@${version}`, place);
    }
    return found.some((those) => those !== undefined) ? [...all] : undefined;
  }

  return {
    versions,
    async read(name, version) {
      const key = `${name}@${version}`;
      if (!homes.has(key)) await versions(name);
      const place = homes.get(key);
      if (!place) throw new TypeError(`no place has template ${key}`);
      return place.read(name, version);
    },
    async notices(name) {
      const found = await Promise.all(places.map((place) => place.notices?.(name)));
      // What stands later in an object wins, and the first place is to win.
      const all = found.filter((notices) => notices !== undefined).reverse();
      return {
        deprecated: Object.assign({}, ...all.map(({ deprecated }) => deprecated)),
        withdrawn: Object.assign({}, ...all.map(({ withdrawn }) => withdrawn)),
      };
    },
    async names() {
      const found = await Promise.all(places.map((place) => place.names?.() ?? []));
      return [...new Set(found.flat())];
    },
    async readme(name) {
      const found = await Promise.all(places.map((place) => place.readme?.(name)));
      return found.find((text) => text !== undefined);
    },
  };
}

/**
 * The version that is meant: `1.2.3` itself, the newest release below `1.2` or `1`, the newest of all where nothing
 * is wanted. Releases are compared number by number (9.10 > 9.9); a pre-release is found by its full name only.
 */
export function chooseVersion(
  versions: readonly string[],
  wanted: string | undefined,
): string | undefined {
  const isFull = wanted !== undefined && (!RELEASE.test(wanted) || wanted.split('.').length >= 3);
  if (isFull && versions.includes(wanted)) return wanted;
  if (wanted !== undefined && !RELEASE.test(wanted)) return undefined;
  const prefix = wanted === undefined ? [] : numbersOf(wanted);
  return newestFirst(versions).find((version) => {
    const numbers = numbersOf(version);
    return RELEASE.test(version) && prefix.every((number, index) => numbers[index] === number);
  });
}

/** Sorted by their numbers, newest first; versions that are no releases last. */
export function newestFirst(versions: readonly string[]): string[] {
  return [...versions].sort((a, b) => {
    const isRelease = Number(RELEASE.test(b)) - Number(RELEASE.test(a));
    return isRelease || compareNumbers(numbersOf(b), numbersOf(a)) || b.localeCompare(a);
  });
}

function numbersOf(version: string): number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10));
}

function compareNumbers(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? -1) - (b[index] ?? -1);
    if (difference) return difference;
  }
  return 0;
}
