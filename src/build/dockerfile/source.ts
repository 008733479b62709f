/** Understands what an INCLUDE names: a path of the repository, a platform template, or a file of another project. */

import type { Problem } from './diagnostic.ts';

export type Source =
  | { kind: 'path'; path: string }
  | { kind: 'template'; name: string; version: string | undefined }
  | ({ kind: 'project' } & ProjectSource);

/** A file of another project. */
export interface ProjectSource {
  /** `group/name`. */
  project: string;
  /** Branch, tag or sha; undefined for the default branch. */
  ref: string | undefined;
  path: string;
}

export type SourceResult = Source | { kind: 'problem'; problem: Problem };

/** Tried where the exact name does not exist, so that INCLUDE docker/base finds docker/base.dockerfile. */
export const EXTENSION = '.dockerfile';

const TEMPLATE_NAME = /^[a-z0-9][a-z0-9._-]*$/;
// GitLab allows no other characters in the path of a project, and nothing that begins with a dash.
const PROJECT_PATH = /^(?!.*(?:^|\/)\.{1,2}(?:\/|$))[\w.][\w.-]*(?:\/[\w.][\w.-]*)+$/;
// What git's check-ref-format allows in no name, and the words that only rev-parse understands.
const NO_REF = /^[-/]|[\s\p{Cc}~^?*[\\]|\.\.|@\{|\/\/|[/.]$/u;

const SCHEME_HINT =
  'Name a file of this repository, template:NAME@VERSION or project:GROUP/PROJECT@REF:PATH.';
const IMAGE_HINT = 'To take files from an image use COPY --from.';
const PROJECT_HINT =
  'Write project:GROUP/PROJECT@REF:PATH, such as project:platform/docker@v2:java.dockerfile.';

// Longer than any path that git or GitLab would take.
const LONGEST = 4096;

/** Parses the source word, its variables replaced. Nothing else is known, so that no build reads what is not audited. */
export function parseSource(text: string): SourceResult {
  if (/\p{Cc}/u.test(text) || text.length > LONGEST) {
    return problem(
      'E_SYNTAX',
      `the source holds control characters or more than ${LONGEST} others`,
      'See what its variables come to.',
    );
  }
  if (text.startsWith('template:')) return parseTemplate(text.slice('template:'.length));
  if (text.startsWith('project:')) return parseProject(text.slice('project:'.length));
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^[^/]+@[^/]+:/.test(text)) {
    return problem('E_SCHEME', `${text} is an address, and INCLUDE reads none`, SCHEME_HINT);
  }
  if (text.includes(':') || text.startsWith('\\')) {
    return problem('E_SCHEME', `${text} is no path`, `${SCHEME_HINT} ${IMAGE_HINT}`);
  }
  return { kind: 'path', path: text };
}

function parseTemplate(text: string): SourceResult {
  const [name = '', version] = cutAt(text, '@');
  if (!TEMPLATE_NAME.test(name)) {
    return problem(
      'E_SYNTAX',
      `"${name}" cannot be the name of a template`,
      'Write template:NAME@VERSION, such as template:node@20.',
    );
  }
  return { kind: 'template', name, version };
}

/** Paths of projects have neither `@` nor `:`, and refs no `:`; everything after it is the path. */
function parseProject(text: string): SourceResult {
  const [target = '', path] = cutAt(text, ':');
  const [project = '', ref] = cutAt(target, '@');
  const wrong = (message: string) => problem('E_SYNTAX', message, PROJECT_HINT);
  if (!path) return wrong(`project:${text} names no file`);
  if (!PROJECT_PATH.test(project)) return wrong(`"${project}" cannot be the path of a project`);
  if (ref === '' || (ref !== undefined && NO_REF.test(ref))) {
    return wrong(`"${ref}" cannot be a branch, tag or sha`);
  }
  return { kind: 'project', project, ref, path };
}

/** The text before the first `separator` and that behind it, where it is there. */
function cutAt(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/**
 * The repository path that `path` means in a file of the folder of `includer`: relative to that folder, or to the
 * root where it starts with a slash. Undefined where it leads out of the repository. A folder ends with a slash.
 */
export function resolvePath(includer: string, path: string): string | undefined {
  const segments = path.startsWith('/') ? [] : includer.split('/').slice(0, -1);
  for (const segment of path.split('/')) {
    if (segment === '..' && segments.pop() === undefined) return undefined;
    if (segment !== '' && segment !== '.' && segment !== '..') segments.push(segment);
  }
  const isFolder = segments.length === 0 || /(?:^|\/)\.{0,2}$/.test(path);
  return segments.join('/') + (isFolder ? '/' : '');
}

function problem(code: string, message: string, hint: string): SourceResult {
  return { kind: 'problem', problem: { code, message, hint } };
}
