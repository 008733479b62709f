/** One pattern of a `.dockerignore`: Go's filepath.Match with `**`, and the ways of moby/patternmatcher. */

/** What Docker would refuse; the message is the reason alone. */
export class PatternError extends Error {}

type Test = (character: string) => boolean;

/**
 * A step of the pattern, which is walked in all possible ways at once: a search that goes back on its
 * steps could take for ever on a pattern that means harm.
 */
interface Step {
  test: Test;
  /** Takes any number of characters, also none. */
  repeats: boolean;
}

/** What a piece of the pattern is in the regular expression that patternmatcher makes of it. */
interface Piece {
  text: string;
  isQuoted: boolean;
}

const wildcards = { one: '[^/]', star: '[^/]*', folders: '(.*/)?', rest: '.*' };
const isNoSlash: Test = (character) => character !== '/';
const isAny: Test = () => true;

const controls: Readonly<Record<string, string>> = {
  a: '\x07',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

const kinds = new Map([
  ['d', /^[0-9]$/],
  ['s', /^[\t\n\f\r ]$/],
  ['w', /^[0-9A-Za-z_]$/],
]);

/** True for a pattern that is walked by the character, while others are compared as texts. */
export function isWalked(pattern: string): boolean {
  return kindOf(pattern) === 'steps';
}

/** Compiles a pattern that is cleaned and known to be a glob. */
export function compilePattern(pattern: string): (path: string) => boolean {
  const kind = kindOf(pattern);
  if (kind === 'exact') return (path) => path === pattern;
  if (kind === 'prefix') {
    const prefix = pattern.slice(0, -2);
    return (path) => path.startsWith(prefix);
  }
  if (kind === 'suffix') {
    const suffix = pattern.slice(2);
    return (path) => path.endsWith(suffix) || (suffix.startsWith('/') && path === suffix.slice(1));
  }
  return createWalker(readSteps(piecesOf(pattern)));
}

/** Patterns with no wildcard but `**` at one end are compared as texts, where other rules hold. */
function kindOf(pattern: string): 'exact' | 'prefix' | 'suffix' | 'steps' {
  const isPlain = (text: string) => !/[*?[\]\\]/.test(text);
  if (isPlain(pattern)) return 'exact';
  if (pattern.startsWith('**') && isPlain(pattern.slice(2))) return 'suffix';
  return pattern.endsWith('**') && isPlain(pattern.slice(0, -2)) ? 'prefix' : 'steps';
}

function piecesOf(pattern: string): Piece[] {
  const pieces: Piece[] = [];
  const expression = /\*\*\/?|\*|\?|\\([\s\S])|[\s\S]/gu;
  for (const { 0: text, 1: quoted, index } of pattern.matchAll(expression)) {
    const isLast = index + text.length === pattern.length;
    const wild = { '*': wildcards.star, '?': wildcards.one }[text];
    if (quoted !== undefined) pieces.push({ text: quoted, isQuoted: true });
    else if (text.startsWith('**')) {
      pieces.push({ text: isLast ? wildcards.rest : wildcards.folders, isQuoted: false });
    } else pieces.push({ text: wild ?? text, isQuoted: false });
  }
  return pieces;
}

function readSteps(pieces: Piece[]): (Step | 'folders' | 'start')[] {
  const steps: (Step | 'folders' | 'start')[] = [];
  // The next one last, for what is taken from the front of a long list moves all that is behind it.
  const waiting = pieces.toReversed();
  for (let piece = waiting.pop(); piece; piece = waiting.pop()) {
    const { text, isQuoted } = piece;
    if (isQuoted) steps.push({ test: escaped(text), repeats: false });
    else if (text === '[') steps.push(readClass(waiting));
    else if (text === wildcards.folders) steps.push('folders');
    else if (text === wildcards.rest) steps.push({ test: isAny, repeats: true });
    else if (text === wildcards.star) steps.push({ test: isNoSlash, repeats: true });
    else if (text === wildcards.one) steps.push({ test: isNoSlash, repeats: false });
    // Docker forgets to quote this one, so it means the start of the path.
    else if (text === '^') steps.push('start');
    else steps.push({ test: (character) => character === text, repeats: false });
  }
  return steps;
}

/** A class up to its end, taken from the end of `waiting`. A wildcard within is no character: Docker puts its expression there, which may end it. */
function readClass(waiting: Piece[]): Step {
  const first = waiting.at(-1);
  const isNegated = first?.text === '^' && !first.isQuoted;
  if (isNegated) waiting.pop();
  const members: Piece[] = [];
  let repeats = false;
  for (let piece = waiting.pop(); piece; piece = waiting.pop()) {
    if (!piece.isQuoted && piece.text === ']') break;
    const isWild = !piece.isQuoted && [...piece.text].length > 1;
    const end = isWild ? piece.text.indexOf(']') : -1;
    const added = isWild ? [...piece.text.slice(0, end === -1 ? undefined : end)] : [piece.text];
    members.push(...added.map((text) => ({ text, isQuoted: piece.isQuoted })));
    repeats = end !== -1 && piece.text.endsWith('*');
    if (end !== -1) break;
  }
  const tests = readMembers(members);
  return { test: (character) => tests.some((test) => test(character)) !== isNegated, repeats };
}

function readMembers(members: Piece[]): Test[] {
  const tests: Test[] = [];
  for (let index = 0; index < members.length; index++) {
    const low = members[index];
    const high = members[index + 2];
    const dash = members[index + 1];
    if (low && high && dash?.text === '-' && !dash.isQuoted) {
      tests.push(range(literalOf(low), literalOf(high)));
      index += 2;
    } else if (low) tests.push(low.isQuoted ? escaped(low.text) : (one) => one === low.text);
  }
  return tests;
}

function range(low: string, high: string): Test {
  const [from = 0, to = 0] = [low.codePointAt(0), high.codePointAt(0)];
  if (from > to) throw new PatternError(`the range ${low}-${high} runs backwards`);
  return (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code >= from && code <= to;
  };
}

/** Go's regular expressions, to which Docker hands an escape on, give letters a meaning of their own. */
const hasMeaning = /[0-9A-Za-z]|\P{ASCII}/u;

function literalOf({ text, isQuoted }: Piece): string {
  return isQuoted && hasMeaning.test(text) ? refuseEscape(text) : text;
}

function escaped(text: string): Test {
  const literal = controls[text] ?? text;
  const kind = kinds.get(text.toLowerCase());
  if (kind !== undefined) {
    const isNegated = text !== text.toLowerCase();
    return (character) => kind.test(character) !== isNegated;
  }
  if (literal === text && hasMeaning.test(text)) refuseEscape(text);
  return (character) => character === literal;
}

function refuseEscape(text: string): never {
  throw new PatternError(`\\${text} means nothing; folders are separated by /`);
}

/** Walks along a path, in all ways that the steps leave open; a walker serves one path after the other. */
function createWalker(steps: readonly (Step | 'folders' | 'start')[]): (path: string) => boolean {
  const end = 2 * steps.length;
  let active = new Uint8Array(end + 1);
  let next = new Uint8Array(end + 1);

  /** Enters a step, and those behind it that may take nothing. */
  function enter(states: Uint8Array, from: number, isStart: boolean): void {
    for (let index = from; states[2 * index] === 0; index++) {
      states[2 * index] = 1;
      const step = steps[index];
      const passes = step === 'folders' || (step === 'start' ? isStart : step?.repeats === true);
      if (!passes) return;
    }
  }

  /** False where no way is left open. */
  function take(character: string): boolean {
    next.fill(0);
    for (let index = 0; index < steps.length; index++) {
      const step = steps[index];
      const isHere = active[2 * index] === 1;
      // The odd state is within folders whose last slash is still to come.
      const isWithin = active[2 * index + 1] === 1;
      if (step === 'folders' && (isHere || isWithin)) {
        next[2 * index + 1] = 1;
        if (character === '/') enter(next, index + 1, false);
      } else if (isHere && typeof step === 'object' && step.test(character)) {
        enter(next, step.repeats ? index : index + 1, false);
      }
    }
    [active, next] = [next, active];
    return active.includes(1);
  }

  return (path) => {
    active.fill(0);
    enter(active, 0, true);
    for (const character of path) if (!take(character)) return false;
    return active[end] === 1;
  };
}

const member = String.raw`(?:\\[\s\S]|[^\\\]\-])`;
const glob = new RegExp(
  String.raw`^(?:\\[\s\S]|\[(?:\^|(?!\^))(?:${member}(?:-${member})?)+\]|[^\\[])*$`,
  'u',
);

/**
 * The check of Go's filepath.Match, which patternmatcher asks first.
 * @throws PatternError for a class that does not end or a backslash that escapes nothing.
 */
export function ensureGlob(pattern: string): void {
  if (!glob.test(pattern)) throw new PatternError(`Docker cannot read the pattern ${pattern}`);
}
