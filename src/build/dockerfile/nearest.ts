/** Finds the names a person may have meant. */
import { distance } from 'fastest-levenshtein';

// Nobody means a longer one, and comparing such takes minutes.
const MAX_LENGTH = 255;

/** Up to three of the names within two edits of the wanted one, nearest first. */
export function nearestNames(wanted: string, names: readonly string[]): string[] {
  if (wanted.length > MAX_LENGTH) return [];
  return names
    .filter((name) => Math.abs(name.length - wanted.length) <= 2)
    .map((name) => ({ name, edits: distance(wanted, name) }))
    .filter(({ edits }) => edits <= 2)
    .sort((a, b) => a.edits - b.edits || a.name.localeCompare(b.name))
    .slice(0, 3)
    .map(({ name }) => name);
}
