/** The variables of a Dockerfile whose values are known for sure before it is built. */

export interface Variables {
  /** ARGs of stages whose value was used for a path or for another ARG. */
  readonly used: ReadonlySet<string>;
  /** Takes the words behind ARG. */
  declare(words: string): void;
  /** Takes the words behind ENV: every name in them counts as unknown from here on. */
  hide(words: string): void;
  /** Forgets the ARGs of the stage before; those above the first FROM hold where a stage names them again. */
  beginStage(): void;
  /** The word with its variables and the quotes around it taken away; undefined where one of them is unknown. */
  expandPath(word: string): string | undefined;
  /** The same for a word behind FROM, where only the ARGs above the first one hold. */
  expandImage(word: string): string | undefined;
}

/** Docker sets these by itself, whatever their default says. */
const automatic =
  /^(?:TARGET|BUILD)(?:PLATFORM|OS|ARCH|VARIANT|STAGE)$|^BUILDKIT_|^SOURCE_DATE_EPOCH$|_PROXY$/i;

const plainDeclaration = /^(\w+)(?:=(\S*))?$/;

/** `given` are the build args. */
export function createVariables(given: Readonly<Record<string, string>>): Variables {
  const set = new Map(Object.entries(given));
  const above = new Map<string, string>();
  const hidden = new Set<string>();
  const used = new Set<string>();
  let values = above;

  function read(name: string): string | undefined {
    if (values !== above) used.add(name);
    return hidden.has(name) ? undefined : values.get(name);
  }

  function declareOne(name: string, written: string | undefined): void {
    const byDefault = written === undefined ? above.get(name) : expand(written, read);
    const value = set.get(name) ?? byDefault;
    if (value === undefined || automatic.test(name)) values.delete(name);
    else values.set(name, value);
  }

  function hide(words: string): void {
    for (const name of words.match(/\w+/g) ?? []) {
      hidden.add(name);
      values.delete(name);
    }
  }

  return {
    used,
    hide,
    declare(words) {
      const declarations = words.split(/\s+/).map((word) => plainDeclaration.exec(word));
      // Quotes may hold blanks, so a line that has one of them makes all its names unknown.
      if (declarations.includes(null) || /["'\\`]/.test(words)) return hide(words);
      for (const [, name = '', written] of declarations.filter((found) => found !== null)) {
        declareOne(name, written);
      }
    },
    beginStage() {
      values = new Map();
    },
    expandPath: (word) => expand(word, read),
    expandImage: (word) => expand(word, (name) => above.get(name)),
  };
}

const reference = /\$(?:(\w+)|\{(\w+)(?:(:?[-+])([^${}]*))?\})/g;

/** `$NAME`, `${NAME}` and its forms with `-` and `+`; others are left as they are. */
function expand(word: string, read: (name: string) => string | undefined): string | undefined {
  let isKnown = true;
  const expanded = withoutQuotes(word).replace(
    reference,
    (_, bare?: string, braced?: string, sign?: string, other = '') => {
      const value = read(bare ?? braced ?? '');
      if (value === undefined) isKnown = false;
      if (sign === undefined || value === undefined) return value ?? '';
      const isSet = !sign.startsWith(':') || value !== '';
      if (sign.endsWith('-')) return isSet ? value : other;
      return isSet ? other : '';
    },
  );
  return isKnown ? expanded : undefined;
}

/** Single quotes would keep a variable as it is written. */
function withoutQuotes(text: string): string {
  return /^("[^"'\\`]*"|'[^"'\\`$]*')$/.test(text) ? text.slice(1, -1) : text;
}
