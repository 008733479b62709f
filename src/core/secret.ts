/** Keeps secrets out of texts that people see. */

/** What stands where a secret stood. */
export const redacted = '[REDACTED]';

/** GitLab masks no shorter value either: what is so short is found everywhere. */
const shortest = 8;

/** `text` with every one of `values` taken out, also as it is written in JSON, in a URL and in Base64. */
export function mask(text: string, values: Iterable<string>): string {
  const masker = createMasker(values);
  return masker.write(text) + masker.end();
}

/** Masks a text that comes in pieces; colours within a secret do not hide it. */
export interface Masker {
  /** Answers what is certain by now; a piece that may begin a secret is held back. */
  write(text: string): string;
  /** Answers what was held back. */
  end(): string;
}

/** Holds back fewer characters than the longest of `values` has, and the colours among them. */
export function createMasker(values: Iterable<string>): Masker {
  return maskersOf(values)();
}

/** For many texts with the same `values`, which are made ready once. */
export function maskersOf(values: Iterable<string>): () => Masker {
  const forms = formsOf(values);
  if (forms.length === 0) return () => ({ write: (text) => text, end: () => '' });
  const finder = createFinder(forms);
  return () => maskerWith(finder);
}

function maskerWith(finder: ReturnType<typeof createFinder>): Masker {
  let rest = '';

  function read(text: string, isEnd: boolean): string {
    const { bare, placeOf, end } = withoutColours(text);
    const certain = (from: number) => (isEnd ? bare.length : finder.certain(bare, from));
    let safe = '';
    let at = 0;
    let limit = certain(0);
    let found = finder.next(bare, 0);
    while (found && found.start < limit) {
      const start = placeOf(found.start);
      const stop = placeOf(found.stop - 1) + 1;
      safe += text.slice(at, start) + redacted + coloursOf(text.slice(start, stop));
      at = stop;
      if (found.stop > limit) limit = certain(found.stop);
      found = finder.next(bare, found.stop);
    }
    const stop = isEnd ? text.length : limit < bare.length ? placeOf(limit) : end;
    rest = text.slice(stop);
    return safe + text.slice(at, stop);
  }

  return { write: (text) => read(rest + text, false), end: () => read(rest, true) };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: This character is what is looked for.
const colour = /\x1b\[[0-9;:]{0,64}m/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: This character is what is looked for.
const unfinishedColour = /\x1b(?:\[[0-9;:]{0,64})?$/;

/** The characters that are seen, where each is in `text`, and up to where it has no unfinished colour. */
function withoutColours(text: string) {
  if (!text.includes('\x1b')) return { bare: text, placeOf: (at: number) => at, end: text.length };
  const end = text.length - (unfinishedColour.exec(text)?.[0].length ?? 0);
  const places = new Uint32Array(end);
  let bare = '';
  const add = (from: number, stop: number) => {
    for (let at = from; at < stop; at++) places[bare.length + at - from] = at;
    bare += text.slice(from, stop);
  };
  let from = 0;
  for (const { 0: sequence, index } of text.slice(0, end).matchAll(colour)) {
    add(from, index);
    from = index + sequence.length;
  }
  add(from, end);
  return { bare, placeOf: (at: number) => places[at] ?? end, end };
}

function coloursOf(text: string): string {
  return (text.match(colour) ?? []).join('');
}

/** The values of an app's secrets: those of its definition's env that `secrets` names. */
export function secretValuesOf(release: {
  definition: Record<string, unknown>;
  secrets?: string[];
}): string[] {
  const env = (release.definition['env'] ?? {}) as Record<string, unknown>;
  return (release.secrets ?? []).flatMap((name) => {
    const value = env[name];
    return typeof value === 'string' ? [value] : [];
  });
}

/** Longest first, since one secret may begin as another does. */
function formsOf(values: Iterable<string>): string[] {
  const forms = new Set<string>();
  for (const value of values) {
    if (value.length < shortest) continue;
    const bytes = Buffer.from(value);
    const inJson = JSON.stringify(value).slice(1, -1);
    // Half of a character has no form in a URL; the detour over bytes replaces it.
    const inUrl = encodeURIComponent(bytes.toString());
    for (const form of [value, inJson, inUrl, ...base64FormsOf(bytes)]) forms.add(form);
  }
  return [...forms].sort((a, b) => b.length - a.length);
}

/**
 * What Base64 makes of a part of a text: it depends on where in a group of three bytes the part
 * begins. Characters that hold bits of what is before or behind it are left out; of eight bytes ten remain.
 */
function base64FormsOf(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    const start = Math.ceil((before * 4) / 3);
    const stop = Math.floor(((before + bytes.length) * 4) / 3);
    return [text.slice(start), text.slice(start, stop)];
  });
}

/** Finds forms in a text: as fast for thousands of them as for one, which an expression is not. */
function createFinder(forms: string[]) {
  const seen = new Uint8Array(0x10000);
  const byBeginning = new Map<string, string[]>();
  const shortBeginnings = new Set<string>();
  for (const form of forms) {
    seen[hashAt(form, 0)] = 1;
    const beginning = form.slice(0, shortest);
    byBeginning.set(beginning, [...(byBeginning.get(beginning) ?? []), form]);
    for (let length = 1; length < shortest; length++) shortBeginnings.add(form.slice(0, length));
  }
  const longest = forms[0]?.length ?? 0;
  const likelyAt = (text: string, at: number) =>
    seen[hashAt(text, at)] === 1 ? byBeginning.get(text.slice(at, at + shortest)) : undefined;

  /** True where `text` ends, from `at` on, as a form begins. */
  function isBeginning(text: string, at: number): boolean {
    const length = text.length - at;
    if (length < shortest) return shortBeginnings.has(text.slice(at));
    const isLonger = (form: string) => form.length > length && form.startsWith(text.slice(at));
    return likelyAt(text, at)?.some(isLonger) ?? false;
  }

  return {
    /** The first form from `from` on; of several at one place the longest. */
    next(text: string, from: number): { start: number; stop: number } | undefined {
      for (let at = from; at <= text.length - shortest; at++) {
        const form = likelyAt(text, at)?.find((each) => text.startsWith(each, at));
        if (form !== undefined) return { start: at, stop: at + form.length };
      }
      return undefined;
    },
    /** Up to where nothing of `text` can belong to a form that goes on in the next piece. */
    certain(text: string, from: number): number {
      let at = Math.max(from, text.length - longest + 1);
      while (at < text.length && !isBeginning(text, at)) at++;
      return at;
    },
  };
}

/** Of four characters; every form has them. */
function hashAt(text: string, at: number): number {
  const first = text.charCodeAt(at) * 31 + text.charCodeAt(at + 1);
  return ((first * 31 + text.charCodeAt(at + 2)) * 31 + text.charCodeAt(at + 3)) & 0xffff;
}
