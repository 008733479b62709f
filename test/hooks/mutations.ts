/** Bodies of GitLab's hooks with something wrong in them, for fast-check. */
import fc from 'fast-check';
import { payload } from './door.ts';
import { storedBodies } from './event-table.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What Ekiden reads of a body: the places where a mutation matters most. */
const readFields = [
  ...['object_kind', 'event_name', 'project_id', 'ref', 'before', 'after'],
  ...['checkout_sha', 'commits', 'push_options'],
];

const sha = fc.constantFrom('0'.repeat(40), '0'.repeat(64), 'a'.repeat(40), 'b'.repeat(64), 'c');
const ref = fc.oneof(
  fc.constantFrom('refs/heads/main', 'refs/heads/', 'refs/tags/v1', 'refs/heads/__proto__'),
  fc.string({ unit: 'binary' }).map((name) => `refs/heads/${name}`),
);
const kind = fc.constantFrom('push', 'tag_push', 'note', 'constructor', '__proto__', '');
const number = fc.constantFrom(0, -1, 1.5, 2 ** 53, 2 ** 53 - 1, 1e308, -1e308, 5e-324, 1e21);
const unicode = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\u0000', '\u202e', '\ufeff', '\u{1f468}\u200d\u{1f469}', 'ﷺ', '\ud800', 'İ'),
);
const options = fc.constantFrom<Json>(
  { ci: { skip: true } },
  { ci: { skip: false } },
  { ci: 'skip' },
  { ci: null },
  ['ci.skip'],
);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
  ...[sha, ref, kind, number, unicode, options],
);

/** Changes the value at some place; undefined drops it. */
type Change = (old: Json) => Json | undefined;

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.constant<Change>(() => undefined),
  value.map(
    (other): Change =>
      () =>
        other,
  ),
  fc.integer({ min: 1, max: 200 }).map(
    (depth): Change =>
      (old) =>
        nest(old, depth),
  ),
  fc.integer({ min: 2, max: 1_500 }).map(
    (times): Change =>
      (old) =>
        enlarge(old, times),
  ),
  unicode.map(
    (text): Change =>
      (old) =>
        typeof old === 'string' ? old + text : text,
  ),
);

function nest(old: Json, depth: number): Json {
  let value = old;
  for (let level = 0; level < depth; level += 1) value = level % 2 ? [value] : { a: value };
  return value;
}

function enlarge(old: Json, times: number): Json {
  if (typeof old === 'string') return old.repeat(Math.ceil(times / (1 + old.length)));
  if (typeof old === 'number') return old * 10 ** (times % 300);
  return Array.from({ length: times % 20 }, () => old);
}

interface Mutation {
  /** Which of the places, or which of those that are read. */
  place: number;
  isRead: boolean;
  change: Change;
}

const mutation: fc.Arbitrary<Mutation> = fc.record({
  place: fc.nat(),
  isRead: fc.boolean(),
  change,
});

const bodies = new Map(storedBodies().map((name) => [name, payload(name) as Json]));

/** A stored body with up to six mutations, as the text that is sent. */
export const mutatedBodies: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(fc.constantFrom('push', 'tag_push'), fc.constantFrom(...bodies.keys())),
    fc.array(mutation, { maxLength: 6 }),
  )
  .map(([name, mutations]) => {
    let body = bodies.get(name) ?? null;
    for (const each of mutations) body = apply(body, each);
    return JSON.stringify(body);
  });

function apply(body: Json, { place, isRead, change }: Mutation): Json {
  if (isRead && isObject(body)) {
    const field = readFields[place % readFields.length] ?? '';
    return put(body, [field], change);
  }
  const places = placesOf(body);
  return put(body, places[place % places.length] ?? [], change);
}

function isObject(value: Json | undefined): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Paths of the values down to the third level, in depth first order; the root itself is one. */
function placesOf(value: Json, path: string[] = []): string[][] {
  const isLeaf = typeof value !== 'object' || value === null || path.length > 2;
  const inside = isLeaf ? [] : Object.entries(value).slice(0, 40);
  return [path, ...inside.flatMap(([key, each]) => placesOf(each, [...path, key]))];
}

function put(value: Json, [key, ...rest]: string[], change: Change): Json {
  if (key === undefined) return change(value) ?? null;
  if (typeof value !== 'object' || value === null) return value;
  const old = (value as { [key: string]: Json })[key] ?? null;
  const inside = rest.length > 0 ? put(old, rest, change) : change(old);
  const entries = Object.entries(value).filter(([name]) => name !== key);
  if (inside !== undefined) entries.push([key, inside]);
  if (Array.isArray(value)) return entries.map(([, each]) => each);
  return Object.fromEntries(entries);
}
