/** Understands what an INCLUDE names: a path of the repository or a platform template. */

import type { Problem } from './diagnostic.ts';

export type Source =
  | { kind: 'path'; path: string }
  | { kind: 'template'; name: string; version: string | undefined };

export type SourceResult = Source | { kind: 'problem'; problem: Problem };

const TEMPLATE_NAME = /^[a-z0-9][a-z0-9._-]*$/;

/** Parses the source word. Nothing but paths and templates is known, so that no build reads what is not audited. */
export function parseSource(text: string): SourceResult {
  if (text.startsWith('template:')) return parseTemplate(text.slice('template:'.length));
  if (text.startsWith('project:')) {
    return problem(
      'E_UNSUPPORTED',
      'project: sources are not supported yet',
      'Copy the file into this repository, or ask for a platform template: INCLUDE template:NAME@VERSION.',
    );
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || /^[^/]+@[^/]+:/.test(text)) {
    return problem('E_SCHEME', `${text} is an address, and INCLUDE reads none`, SCHEME_HINT);
  }
  if (text.includes(':')) {
    return problem('E_SCHEME', `${text} is no path`, `${SCHEME_HINT} ${IMAGE_HINT}`);
  }
  return { kind: 'path', path: text };
}

const SCHEME_HINT = 'Name a file of this repository or template:NAME@VERSION.';
const IMAGE_HINT = 'To take files from an image use COPY --from.';

function parseTemplate(text: string): SourceResult {
  const at = text.indexOf('@');
  const name = at === -1 ? text : text.slice(0, at);
  const version = at === -1 ? undefined : text.slice(at + 1);
  if (!TEMPLATE_NAME.test(name)) {
    return problem(
      'E_SYNTAX',
      `"${name}" cannot be the name of a template`,
      'Write template:NAME@VERSION, such as template:node@20.',
    );
  }
  return { kind: 'template', name, version };
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
