/** Keeps secrets out of texts that people see. */

/** What stands where a secret stood. */
export const redacted = '[REDACTED]';

/** GitLab masks no shorter value either: what is so short is found everywhere. */
const shortest = 8;

/** `text` with every one of `values` taken out, also as it is written in JSON, in a URL and in Base64. */
export function mask(text: string, values: Iterable<string>): string {
  const pattern = patternOf(formsOf(values));
  return pattern ? text.replace(pattern, redacted) : text;
}

/** Masks a text that comes in pieces. */
export interface Masker {
  /** Answers what is certain by now; a piece that may begin a secret is held back. */
  write(text: string): string;
  /** Answers what was held back. */
  end(): string;
}

/** Holds back fewer characters than the longest of `values` has. */
export function createMasker(values: Iterable<string>): Masker {
  const forms = formsOf(values);
  const pattern = patternOf(forms);
  if (!pattern) return { write: (text) => text, end: () => '' };
  const begins = createBeginnings(forms);
  let rest = '';

  /** Up to where nothing of `text` can belong to a secret that goes on in the next piece. */
  function certain(text: string, from: number): number {
    let at = Math.max(from, text.length - begins.longest + 1);
    while (at < text.length && !begins.with(text, at)) at++;
    return at;
  }

  return {
    write(text) {
      const whole = rest + text;
      let safe = '';
      let at = 0;
      let limit = certain(whole, at);
      pattern.lastIndex = 0;
      let match = pattern.exec(whole);
      while (match && match.index < limit) {
        safe += whole.slice(at, match.index) + redacted;
        at = match.index + match[0].length;
        if (at > limit) limit = certain(whole, at);
        match = pattern.exec(whole);
      }
      rest = whole.slice(limit);
      return safe + whole.slice(at, limit);
    },
    end() {
      const last = rest.replace(pattern, redacted);
      rest = '';
      return last;
    },
  };
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
    for (const form of [value, inJson, inUrl, bytes.toString('base64')]) forms.add(form);
  }
  return [...forms].sort((a, b) => b.length - a.length);
}

function patternOf(forms: string[]): RegExp | undefined {
  if (forms.length === 0) return undefined;
  const quoted = forms.map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
  return new RegExp(quoted.join('|'), 'g');
}

/** Knows the forms by their first character, so that most places are passed at once. */
function createBeginnings(forms: string[]) {
  const byFirst = new Map<string, string[]>();
  for (const form of forms) {
    const first = form.charAt(0);
    byFirst.set(first, [...(byFirst.get(first) ?? []), form]);
  }
  return {
    longest: forms[0]?.length ?? 0,
    /** True where `text` ends, from `at` on, as a form begins. */
    with(text: string, at: number): boolean {
      const length = text.length - at;
      const candidates = byFirst.get(text.charAt(at)) ?? [];
      return candidates.some((form) => form.length > length && form.startsWith(text.slice(at)));
    },
  };
}
