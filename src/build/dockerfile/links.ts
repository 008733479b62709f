/** Symbolic links and submodules of a repository, as git has them at a commit. */

import { InputError } from '../../core/errors.ts';
import { resolvePath } from './source.ts';

/** As many as Linux and git follow are of no use here; nobody links on purpose more often. */
export const MOST_LINKS = 8;

/** The path that `rest` below a link means. Throws InputError where it lies outside of the repository. */
export function followLink({
  link,
  target,
  rest,
}: {
  link: string;
  target: string;
  rest: string;
}): string {
  const resolved = target.startsWith('/') ? undefined : resolvePath(link, target);
  // Of the root, only the slash is left.
  if (resolved !== undefined) return (resolved.replace(/\/$/, '') + rest).replace(/^\//, '');
  throw badLink(link, 'is a link that leads out of the repository');
}

/** For a path that leads on through too many links. */
export function tooManyLinks(path: string): InputError {
  return badLink(path, `leads on through more than ${MOST_LINKS} links`);
}

/** For a path at which a submodule lies. */
export function isSubmodule(path: string): InputError {
  return new InputError(`${path} is a submodule, whose files lie in another repository`, {
    code: 'E_SUBMODULE',
    hint: 'Include the file from there: project:GROUP/PROJECT@REF:PATH.',
  });
}

function badLink(path: string, what: string): InputError {
  return new InputError(`${path} ${what}`, { code: 'E_SYMLINK', hint: 'Commit the file itself.' });
}
