/** Label selectors of the query `label=`: `a, b==1, c!=2, d in (x,y), e notin (z)`. */
import { ApiError } from './api-error.ts';

type Labels = Record<string, string>;
export type Selector = (labels: Labels) => boolean;

const TERM = String.raw`(?:[-A-Za-z0-9_.]|\\.)+`;
const SET = String.raw`\(\s*((?:${TERM}(?:\s*,\s*${TERM})*)?)\s*\)`;
const ONE = new RegExp(
  String.raw`^\s*(${TERM})\s*(?:(==|!=)\s*(${TERM})|(in|notin)\s*${SET})?\s*(,(?!\s*$)|$)`,
);

/** Parses a selector, of which an empty one selects all; throws Marathon's 422 where it cannot be read. */
export function parseSelector(text: string): Selector {
  const parts: Selector[] = [];
  let rest = text.trim();
  while (rest.length > 0) {
    const match = ONE.exec(rest);
    if (!match) {
      const reason = `no selector begins with '${rest}'`;
      throw new ApiError(422, `Can not parse label selector ${text}. Reason: ${reason}`);
    }
    parts.push(partOf(match));
    rest = rest.slice(match[0].length);
  }
  return (labels) => parts.every((matches) => matches(labels));
}

/** What compares values holds only where the label is there. */
function partOf([, rawKey, compare, value, membership, list]: RegExpExecArray): Selector {
  const key = plain(rawKey);
  const has = (labels: Labels) => Object.hasOwn(labels, key);
  if (compare) {
    const wanted = compare === '==';
    return (labels) => has(labels) && (labels[key] === plain(value)) === wanted;
  }
  if (membership) {
    const values = (list?.match(new RegExp(TERM, 'g')) ?? []).map((term) => plain(term));
    const wanted = membership === 'in';
    return (labels) => has(labels) && values.includes(labels[key] ?? '') === wanted;
  }
  return has;
}

function plain(term = ''): string {
  return term.replace(/\\(.)/g, '$1');
}
