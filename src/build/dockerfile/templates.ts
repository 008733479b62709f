/** The platform's fragments: named, versioned Dockerfile pieces that every project may include. */

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface TemplateSource {
  /** All versions of a template, in any order; undefined where there is no such template. */
  versions(name: string): Promise<string[] | undefined>;
  /** The bytes of one of these versions. */
  read(name: string, version: string): Promise<Buffer>;
  /** The names of all templates, for hints. */
  names?(): Promise<string[]>;
}

const EXTENSION = '.dockerfile';
const RELEASE = /^\d+(?:\.\d+)*$/;

/** Templates kept as files `<directory>/<name>/<version>.dockerfile`. */
export function createTemplates(directory: string): TemplateSource {
  return {
    async versions(name) {
      const entries = await listFolder(join(directory, name));
      return entries
        ?.filter((entry) => entry.isFile() && entry.name.endsWith(EXTENSION))
        .map((entry) => entry.name.slice(0, -EXTENSION.length));
    },
    read: (name, version) => readFile(join(directory, name, `${version}${EXTENSION}`)),
    async names() {
      const entries = (await listFolder(directory)) ?? [];
      return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
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
  if (wanted !== undefined && !RELEASE.test(wanted)) {
    return versions.find((version) => version === wanted);
  }
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

async function listFolder(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
