/** Which instance is meant by what was typed. */
import { InputError } from '../../src/core/errors.ts';
import { shortId } from '../../src/core/instance.ts';

interface Named {
  id: string;
}

/** The one that has this part in its id; undefined where none has. @throws InputError where several have. */
export function instanceWithPart<T extends Named>(items: T[], part: string): T | undefined {
  return onlyOne(
    items.filter(({ id }) => id === part || id.includes(part)),
    part,
  );
}

/** By its whole id or the beginning that tables show, so that no stray word ends one; else as it was typed. */
export function idOfInstance(items: Named[], typed: string): string {
  const fitting = items.filter(({ id }) => id === typed || shortId(id) === typed);
  return onlyOne(fitting, typed)?.id ?? typed;
}

function onlyOne<T extends Named>(fitting: T[], typed: string): T | undefined {
  if (fitting.length <= 1) return fitting[0];
  const ids = fitting.map(({ id }) => id).join(', ');
  throw new InputError(`${typed} is a part of several ids: ${ids}.`, {
    code: 'E_USAGE',
    hint: 'Give more of the one that you mean.',
  });
}
