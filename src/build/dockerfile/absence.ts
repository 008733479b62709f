/** Says why there is no file at a path, and which one may have been meant. */

import { InputError } from '../../core/errors.ts';
import { shortSha } from '../../core/ref.ts';
import type { ProjectTree, Tree } from './fetch.ts';
import { nearestNames } from './nearest.ts';
import { EXTENSION } from './source.ts';

/** The error for a path at which nothing could be read; a folder's ends with a slash. */
export async function explainAbsence(path: string, tree: Tree | ProjectTree): Promise<InputError> {
  const folder = path.replace(/[^/]*\/?$/, '');
  const name = path.slice(folder.length).replace(/\/$/, '');
  const entries = path === '/' ? undefined : await tree.list?.(folder);
  if (path.endsWith('/') || entries?.includes(`${name}/`)) {
    return new InputError(`${path} is a folder`, {
      code: 'E_IS_DIRECTORY',
      hint: 'Name a file in it.',
    });
  }
  const files = (entries ?? []).filter((entry) => !entry.endsWith('/'));
  if (files.includes(name)) {
    return new InputError(`${path} is no file, and leads to none`, {
      code: 'E_NOT_FOUND',
      hint: 'Name the file itself: this is a link to a folder, or to what is not there.',
    });
  }
  const near = nearestFiles(name, files).map((entry) => folder + entry);
  return new InputError(`${path} is not in ${placeOf(tree)}`, {
    code: 'E_NOT_FOUND',
    hint: near.length
      ? `Did you mean ${near.join(' or ')}?`
      : 'Is the file committed? Paths are relative to the file with the INCLUDE; /… starts at the root.',
  });
}

/** Those with the name itself go before those that only begin with it. */
function nearestFiles(name: string, files: string[]): string[] {
  const near = nearestNames(name, files);
  return near.length > 0 ? near : nearestNames(name + EXTENSION, files);
}

function placeOf(tree: Tree | ProjectTree): string {
  if (!('project' in tree)) return 'the repository at this commit';
  return `${tree.project.path} at ${shortSha(tree.project.sha)}`;
}
