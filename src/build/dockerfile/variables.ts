/** The variables that INCLUDE's own words may name: inputs, declared build args, and EKIDEN_… of the build. */

import { fromUtf8 } from './bytes.ts';
import {
  leadingText,
  MAX_WORD,
  type Piece,
  type Reference,
  splitWords,
  withoutLeading,
} from './words.ts';

/** What the build gives to every file of an expansion, as latin1. */
export interface Given {
  args: ReadonlyMap<string, string>;
  variables: ReadonlyMap<string, string>;
}

/** The variables at one line of a file. */
export interface Scope {
  /** Its value as latin1; undefined where it has none here. */
  lookup(name: string): string | undefined;
  /** All that have a value here, in the order in which they are looked up. */
  names(): string[];
  /** True for an ARG above that has no value. */
  isBareArg(name: string): boolean;
  /** Takes note of an ARG instruction, which holds for the lines below it. */
  declare(instruction: string): void;
}

export interface ScopeOptions extends Given {
  /** Values of the file's inputs, as latin1. */
  inputs: ReadonlyMap<string, string>;
  /** The character that escapes in the file. */
  token: string;
}

/** The build's args and variables, as an expansion needs them. */
export function given(args: Record<string, string>, variables: Record<string, string>): Given {
  const encode = (values: Record<string, string>) =>
    new Map(Object.entries(values).map(([name, value]) => [name, fromUtf8(value)]));
  return { args: encode(args), variables: encode(variables) };
}

/**
 * A scope for one pass over a file. First come inputs, then ARGs above (the build's value, else their default), then
 * the build's variables. ENV is never read, and no ARG of another file, so that what a file includes depends on its
 * inputs and the build alone.
 */
export function createScope({ inputs, args, variables, token }: ScopeOptions): Scope {
  const declared = new Map<string, string | undefined>();
  return {
    lookup: (name) => inputs.get(name) ?? declared.get(name) ?? variables.get(name),
    names: () => {
      const valued = [...declared].filter(([, value]) => value !== undefined);
      return [...new Set([...inputs.keys(), ...valued.map(([name]) => name), ...variables.keys()])];
    },
    isBareArg: (name) => declared.has(name) && declared.get(name) === undefined,
    declare(instruction) {
      for (const word of splitWords(instruction.slice('ARG'.length), token)) {
        const text = leadingText(word);
        const [name = ''] = text.split('=', 1);
        if (name === '') continue;
        const hasDefault = name.length < text.length && word.problem === undefined;
        const written = withoutLeading(word.pieces, name.length + 1);
        const standard = hasDefault
          ? expandPieces(written, (other) => declared.get(other))
          : declared.get(name);
        const value = args.get(name) ?? standard;
        const isKnown = typeof value === 'string' && value.length <= MAX_WORD;
        declared.set(name, isKnown ? value : undefined);
      }
    },
  };
}

/**
 * The text that pieces come to, or the first reference without a value. What is longer than a word may be is cut
 * somewhere behind that: ARGs that double each other would else fill the memory.
 */
export function expandPieces(
  pieces: readonly Piece[],
  lookup: Scope['lookup'],
): string | Reference {
  let text = '';
  for (const piece of pieces) {
    const value = typeof piece === 'string' ? piece : expandReference(piece, lookup);
    if (typeof value !== 'string') return value;
    text += value;
    if (text.length > MAX_WORD) break;
  }
  return text;
}

function expandReference(reference: Reference, lookup: Scope['lookup']): string | Reference {
  const { name, otherwise } = reference;
  const value = lookup(name);
  if (value !== undefined && (value !== '' || otherwise?.sign !== ':-')) return value;
  return otherwise ? expandPieces(otherwise.pieces, lookup) : reference;
}
