/** Puts the values of variables in place of `$NAME` and `${NAME}` in those of others, as GitLab's runners do. */
import type { Variable } from '../core/variable.ts';

export interface Holding {
  value: string;
  /** True also for what a secret went into. */
  isSecret: boolean;
  isFile: boolean;
}

export interface Expansion {
  /** By name; those that only CI jobs want are among them. */
  values: Map<string, Holding>;
  /** What is odd about which variable. */
  warnings: { key: string; text: string }[];
}

/** Longest value that a variable may grow to; Linux takes no string of 128 KiB in an environment. */
const valueLimit = 64 * 1024;

/** How many variables may lead on from one to the next. */
const depthLimit = 20;

/** A dollar is written `$$`. */
const reference = /\$\$|\$([A-Za-z_]\w*)|\$\{([A-Za-z_]\w*)\}/g;

interface Work extends Expansion {
  chosen: ReadonlyMap<string, Variable>;
  /** Names that lead back to themselves, or to one that does. */
  circles: Set<string>;
}

/** Expands all; what is raw, a file or hidden names no other. */
export function expand(chosen: ReadonlyMap<string, Variable>): Expansion {
  const work: Work = { chosen, circles: new Set(), values: new Map(), warnings: [] };
  for (const [key, { value }] of [...chosen].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (value === null) warn(work, key, 'is hidden in GitLab, also from Ekiden, and left out');
    else holdingOf(work, key, []);
  }
  return { values: work.values, warnings: work.warnings };
}

/** Undefined for what cannot be had, `circle` where the way leads back or too far. */
function holdingOf(work: Work, key: string, path: string[]): Holding | 'circle' | undefined {
  if (work.circles.has(key)) return 'circle';
  const known = work.values.get(key);
  if (known) return known;
  const variable = work.chosen.get(key);
  if (!variable || variable.value === null) return undefined;
  if (path.includes(key) || path.length >= depthLimit) return 'circle';
  const { value, isMasked, isRaw, type } = variable;
  const isFile = type === 'file';
  const plain = { value, isSecret: isMasked, isFile };
  const found = isRaw || isFile ? plain : replaceIn(work, plain, [...path, key]);
  if (found === 'circle') work.circles.add(key);
  work.values.set(key, found === 'circle' ? plain : found);
  return found;
}

/** `path` ends with the variable itself. */
function replaceIn(work: Work, plain: Holding, path: string[]): Holding | 'circle' {
  const key = path.at(-1) ?? '';
  let { isSecret } = plain;
  let isCircle = false;
  let size = plain.value.length;
  const value = plain.value.replace(reference, (text, bare?: string, braced?: string) => {
    const name = bare ?? braced;
    if (name === undefined) return '$';
    const other = holdingOf(work, name, path);
    isCircle ||= other === 'circle';
    if (other === 'circle') return text;
    if (!other) warn(work, key, `names ${text}, which is not there; nothing stands in its place`);
    isSecret ||= other?.isSecret ?? false;
    size += other?.value.length ?? 0;
    // Beyond the limit the result is thrown away, so that it need not be put together.
    return size > valueLimit ? '' : (other?.value ?? '');
  });
  if (isCircle)
    warn(work, key, 'names others in a circle, or too many in a row, and stays as it is written');
  if (isCircle) return 'circle';
  if (size <= Math.max(valueLimit, plain.value.length)) return { value, isSecret, isFile: false };
  warn(work, key, 'grows too long by those that it names and stays as it is written');
  return plain;
}

function warn({ warnings }: Work, key: string, text: string): void {
  warnings.push({ key, text });
}
