/** Finds and reads the one file that an INCLUDE names. */

import { InputError } from '../../core/errors.ts';
import { type Diagnostic, describe, includeError, type Problem, type Spot } from './diagnostic.ts';
import { nearestNames } from './nearest.ts';
import { parseSource, resolvePath, type Source } from './source.ts';
import type { Fetched } from './source-file.ts';
import { chooseVersion, newestFirst, type TemplateSource } from './templates.ts';

/** Where the files come from. */
export interface Sources {
  /**
   * The bytes of a file of the repository at the commit; undefined where there is none. An InputError that it throws
   * is shown at the INCLUDE; other errors are passed on as they are.
   */
  read(path: string): Promise<Buffer | undefined>;
  /** What a folder (`docker/`; the root is the empty string) holds, folders with a slash at the end; for hints only. */
  list?(folder: string): Promise<string[] | undefined>;
  templates: TemplateSource;
}

/** What an INCLUDE asks for, in which file. */
export interface Request {
  /** Path of the including file; undefined in a template. */
  includer: string | undefined;
  source: string;
  spot: Spot;
}

export type Fetch = (request: Request) => Promise<Fetched & { warnings: Diagnostic[] }>;

// Tried where the exact name does not exist, so that INCLUDE docker/base finds docker/base.dockerfile.
const EXTENSION = '.dockerfile';

/** A fetch that reads each file and each list of versions once. Its errors are IncludeErrors at the request's spot. */
export function createFetch({ templates, ...repository }: Sources): Fetch {
  const read = remember(repository.read);
  const versionsOf = remember((name) => templates.versions(name));
  const readTemplate = remember((id) => {
    const [name = '', version = ''] = id.split('@');
    return templates.read(name, version);
  });

  async function fetchPath(path: string, request: Request) {
    const resolved = resolve(path, request);
    for (const candidate of resolved.endsWith('/') ? [] : [resolved, resolved + EXTENSION]) {
      const bytes = await atSpot(read(candidate), request.spot);
      if (bytes) return { id: candidate, path: candidate, bytes, warnings: [] };
    }
    throw includeError(await explainAbsence(resolved, repository.list), request.spot);
  }

  async function fetchTemplate(source: Source & { kind: 'template' }, { spot }: Request) {
    const versions = await versionsOf(source.name);
    if (!versions?.length) {
      throw includeError(unknownTemplate(source.name, (await templates.names?.()) ?? []), spot);
    }
    const version = chooseVersion(versions, source.version);
    if (version === undefined) throw includeError(unknownVersion(source, versions), spot);
    return {
      id: `template:${source.name}@${version}`,
      path: undefined,
      bytes: await readTemplate(`${source.name}@${version}`),
      warnings: source.version === undefined ? [unpinned(source.name, version, spot)] : [],
    };
  }

  return async (request) => {
    const source = parseSource(request.source);
    if (source.kind === 'problem') throw includeError(source.problem, request.spot);
    if (source.kind === 'template') return fetchTemplate(source, request);
    return fetchPath(source.path, request);
  };
}

function resolve(path: string, { includer, spot }: Request): string {
  if (includer === undefined) {
    const problem = {
      code: 'E_UNSUPPORTED',
      message: 'a template cannot include a path',
      hint: 'A template may include other templates: INCLUDE template:NAME@VERSION.',
    };
    throw includeError(problem, spot);
  }
  const resolved = resolvePath(includer, path);
  if (resolved !== undefined) return resolved;
  const problem = {
    code: 'E_ESCAPES_REPO',
    message: `${path} leads out of the repository`,
    hint: 'A leading slash names the root of the repository: INCLUDE /docker/base.dockerfile.',
  };
  throw includeError(problem, spot);
}

async function explainAbsence(path: string, list: Sources['list']): Promise<Problem> {
  const folder = path.replace(/[^/]*\/?$/, '');
  const name = path.slice(folder.length).replace(/\/$/, '');
  const entries = path === '/' ? undefined : await list?.(folder);
  if (path.endsWith('/') || entries?.includes(`${name}/`)) {
    const hint = 'Name a file in it.';
    return { code: 'E_IS_DIRECTORY', message: `${path} is a folder`, hint };
  }
  const near = nearestNames(
    name,
    (entries ?? []).filter((entry) => !entry.endsWith('/')),
  );
  return {
    code: 'E_NOT_FOUND',
    message: `${path} is not in the repository at this commit`,
    hint: near.length
      ? `Did you mean ${near.map((entry) => folder + entry).join(' or ')}?`
      : 'Is the file committed? Paths are relative to the file with the INCLUDE; /… starts at the root.',
  };
}

function unknownTemplate(name: string, names: string[]): Problem {
  const near = nearestNames(name, names);
  const others = names.filter((other) => !near.includes(other)).sort();
  return {
    code: 'E_TEMPLATE_UNKNOWN',
    message: `there is no template named ${name}`,
    hint: names.length
      ? `There are ${[...near, ...others].join(', ')}.`
      : 'No template is installed.',
  };
}

function unknownVersion(
  { name, version }: { name: string; version: string | undefined },
  versions: string[],
): Problem {
  return {
    code: 'E_TEMPLATE_VERSION',
    message: `template ${name} has no version ${version ?? 'that is released'}`,
    hint: `It has ${newestFirst(versions).join(', ')}; a shorter number such as ${name}@1 takes the newest below it.`,
  };
}

function unpinned(name: string, version: string, spot: Spot): Diagnostic {
  const problem = {
    code: 'W_UNPINNED',
    message: `template:${name} names no version and took ${version}, the newest`,
    hint: `Pin it, so that only you change your build: template:${name}@${version}.`,
  };
  return describe('warning', problem, spot);
}

async function atSpot<T>(reading: Promise<T>, spot: Spot): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw includeError({ code: error.code, message: error.message, ...hint }, spot, error);
  }
}

/** Calls `load` once a key, also for calls at the same time. */
function remember<T>(load: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const loaded = new Map<string, Promise<T>>();
  return (key) => {
    const known = loaded.get(key) ?? load(key);
    loaded.set(key, known);
    return known;
  };
}
