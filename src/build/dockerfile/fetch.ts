/** Finds and reads the one file that an INCLUDE names. */

import { createHash } from 'node:crypto';
import type { Fragment } from '../../core/build.ts';
import { InputError, RemoteError } from '../../core/errors.ts';
import { createOnce } from '../../core/once.ts';
import { shortSha } from '../../core/ref.ts';
import { explainAbsence } from './absence.ts';
import {
  type Diagnostic,
  FetchError,
  IncludeError,
  includeError,
  type Problem,
  type Spot,
} from './diagnostic.ts';
import { EXTENSION, type ProjectSource, parseSource, resolvePath } from './source.ts';
import type { Fetched } from './source-file.ts';
import { createTemplateFetch } from './template-fetch.ts';
import type { TemplateSource } from './templates.ts';

/** The files of one commit. */
export interface Tree {
  /**
   * The bytes of a file; undefined where there is none. An InputError that it throws is shown at the INCLUDE, and so
   * is a RemoteError that passes; other errors are handed on as they are.
   */
  read(path: string): Promise<Buffer | undefined>;
  /** What a folder (`docker/`; the root is the empty string) holds, folders with a slash at the end; for hints only. */
  list?(folder: string): Promise<string[] | undefined>;
}

/** A commit of another project. */
export interface ProjectTree extends Tree {
  project: Omit<NonNullable<Fragment['project']>, 'file'>;
}

/** Where the files come from; of its own methods, those of the Dockerfile's commit. */
export interface Sources extends Tree {
  templates: TemplateSource;
  /** Opens the commit that a source names; throws InputError where that must not or cannot be. */
  openProject?(source: ProjectSource): Promise<ProjectTree>;
  /** Fragments that are to be the same bytes as an earlier build had them. */
  pins?: readonly Fragment[];
}

/** What an INCLUDE asks for, in which file. */
export interface Request {
  includer: Pick<Fetched, 'path' | 'tree'>;
  source: string;
  spot: Spot;
}

export type Fetch = (request: Request) => Promise<Fetched & { warnings: Diagnostic[] }>;

/**
 * A fetch that reads each file, each list of versions and each ref once. Its errors are IncludeErrors and FetchErrors
 * at the request's spot.
 */
export function createFetch(sources: Sources): Fetch {
  const once = createOnce();
  const fetchTemplate = createTemplateFetch({ ...sources, once });

  async function fetchPath(asked: { path: string; includer: Request['includer'] }) {
    const { tree, path: from } = asked.includer;
    const resolved = resolve(asked.path, from);
    for (const path of resolved.endsWith('/') ? [] : [resolved, resolved + EXTENSION]) {
      const id = tree ? nameOf(tree, path) : path;
      const bytes = await once(`file ${id}`, () => (tree ?? sources).read(path));
      if (!bytes) continue;
      const origin = tree && { tree, record: { project: { ...tree.project, file: path } } };
      return { id, path, bytes, ...origin, warnings: [] };
    }
    throw await explainAbsence(resolved, tree ?? sources);
  }

  async function fetchProject(source: ProjectSource) {
    const tree = await sources.openProject?.(source);
    if (!tree) throw noProjects();
    return fetchPath({ path: source.path, includer: { path: '', tree } });
  }

  async function fetchSource({ source: text, includer, spot }: Request) {
    const source = parseSource(text);
    switch (source.kind) {
      case 'problem':
        throw includeError(source.problem, spot);
      case 'template':
        return fetchTemplate(source, spot);
      case 'project':
        return fetchProject(source);
      default:
        return fetchPath({ path: source.path, includer });
    }
  }

  return async (request) => {
    const fetched = await fetchSource(request).catch((error: unknown) => {
      throw atSpot(error, request.spot);
    });
    const problem = pinProblem(sources.pins, fetched);
    if (problem) throw includeError(problem, request.spot);
    return fetched;
  };
}

/** Such as `project:group/name@1a2b3c4d5e6f:docker/base.dockerfile`. */
function nameOf({ project }: ProjectTree, path: string): string {
  return `project:${project.path}@${shortSha(project.sha)}:${path}`;
}

function resolve(path: string, includer: string | undefined): string {
  if (includer === undefined) {
    throw new InputError('a template lies in no repository, so it cannot include a path', {
      code: 'E_ESCAPES_REPO',
      hint: 'A template may include other templates: INCLUDE template:NAME@VERSION.',
    });
  }
  const resolved = resolvePath(includer, path);
  if (resolved !== undefined) return resolved;
  throw new InputError(`${path} leads out of the repository`, {
    code: 'E_ESCAPES_REPO',
    hint: 'A leading slash names the root of the repository: INCLUDE /docker/base.dockerfile. Files of other projects are project:GROUP/PROJECT@REF:PATH.',
  });
}

function noProjects(): InputError {
  return new InputError('files of other projects cannot be read here', {
    code: 'E_PROJECT_ACCESS',
    hint: 'Set GITLAB_URL, and GITLAB_TOKEN to a token that may read the project.',
  });
}

/** The error as it is told at an INCLUDE, where it has to do with that. */
function atSpot(error: unknown, spot: Spot): unknown {
  if (error instanceof IncludeError) return error;
  if (error instanceof InputError) {
    const { code, message, hint } = error;
    return includeError({ code, message, ...(hint === undefined ? {} : { hint }) }, spot, error);
  }
  // With another token all will be well, and who waits has to know that it is the token.
  const passes = error instanceof RemoteError && error.retryable;
  return passes && error.code !== 'E_GITLAB_TOKEN' ? new FetchError(error, spot) : error;
}

/** What is wrong where a file of that name had other bytes in the earlier build. */
function pinProblem(
  pins: readonly Fragment[] | undefined,
  { id, bytes }: { id: string; bytes: Buffer },
): Problem | undefined {
  const pin = pins?.find(({ file }) => file === id);
  if (!pin || pin.sha256 === createHash('sha256').update(bytes).digest('hex')) return undefined;
  return {
    code: 'E_PIN',
    message: `${id} is no longer what the earlier build took: it was changed in place`,
    hint: 'Build the commit anew, with the fragments that there are now.',
  };
}
