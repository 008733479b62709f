/** Label selectors of the query `label=`: `a, b==1, c!=2, d in (x,y), e notin (z)`. */
import { ApiError } from './api-error.ts';

type Labels = Record<string, string>;
export type Selector = (labels: Labels) => boolean;

const TERM = String.raw`(?:[-A-Za-z0-9_.]|\\.)+`;
const ONE = new RegExp(
  String.raw`^\s*(${TERM})\s*(?:(==|!=)\s*(${TERM})|(in|notin)\s*\(([^)]*)\))?\s*(,|$)`,
);

/** Parses a selector; throws Marathon's 422 where it cannot be read. */
export function parseSelector(text: string): Selector {
  const parts: Selector[] = [];
  let rest = text;
  do {
    const match = ONE.exec(rest);
    if (!match) throw new ApiError(422, `Can not parse label selector ${text}`);
    parts.push(partOf(match));
    rest = rest.slice(match[0].length);
    if (match[6] === ',' && rest.trim() === '') {
      throw new ApiError(422, `Can not parse label selector ${text}`);
    }
  } while (rest.length > 0);
  return (labels) => parts.every((matches) => matches(labels));
}

function partOf([, rawKey, compare, value, membership, list]: RegExpExecArray): Selector {
  const key = plain(rawKey);
  if (compare) {
    const wanted = compare === '==';
    return (labels) => key in labels && (labels[key] === plain(value)) === wanted;
  }
  if (membership) {
    const values = (list ?? '').split(',').map((item) => plain(item.trim()));
    const wanted = membership === 'in';
    return (labels) => key in labels && values.includes(labels[key] ?? '') === wanted;
  }
  return (labels) => key in labels;
}

function plain(term = ''): string {
  return term.replace(/\\(.)/g, '$1');
}
