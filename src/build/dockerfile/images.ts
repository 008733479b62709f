/** The images that a Dockerfile is built on: those that its FROM and COPY --from name. */

import { splitWords } from './args.ts';
import { joinLines, parseDockerfile } from './instructions.ts';
import { MAX_WORD } from './words.ts';

/** All of them, as they are written once args have their values; stages of the file are none. */
export function namedImages(bytes: Buffer, args: Record<string, string>): string[] {
  const values = new Map<string, string>();
  const stages = new Set<string>();
  const images = new Set<string>();
  const add = (name: string) => {
    const isStage = stages.has(name.toLowerCase()) || /^\d+$/.test(name);
    if (!isStage && name !== 'scratch') images.add(name);
  };
  let hasBegun = false;
  for (const [keyword, ...words] of instructionsOf(bytes)) {
    // Only the ARGs before the first FROM hold in FROM.
    if (keyword === 'ARG' && !hasBegun) for (const word of words) declare(word, args, values);
    if (keyword === 'COPY') for (const word of words) if (isFrom.test(word)) add(word.slice(7));
    if (keyword !== 'FROM') continue;
    hasBegun = true;
    const [image = '', as = '', stage] = words.filter((word) => !word.startsWith('--'));
    add(expandArgs(image, values));
    if (as.toUpperCase() === 'AS' && stage) stages.add(stage.toLowerCase());
  }
  return [...images];
}

const isFrom = /^--from=./;

/** The words of those instructions that matter, the keyword in upper case. */
function* instructionsOf(bytes: Buffer): Generator<string[]> {
  const parsed = parseDockerfile(bytes);
  for (const instruction of parsed.instructions) {
    if (!['ARG', 'FROM', 'COPY'].includes(instruction.keyword)) continue;
    const { text } = joinLines(parsed.text, instruction, parsed.escape);
    const utf8 = Buffer.from(text, 'latin1').toString();
    const [, ...words] = splitWords(utf8, String.fromCharCode(parsed.escape));
    yield [instruction.keyword, ...words];
  }
}

function declare(word: string, args: Record<string, string>, values: Map<string, string>): void {
  const [name = ''] = word.split('=', 1);
  const given = Object.hasOwn(args, name) ? args[name] : undefined;
  const written = word.length > name.length ? withoutQuotes(word.slice(name.length + 1)) : '';
  values.set(name, given ?? expandArgs(written, values));
}

function withoutQuotes(text: string): string {
  return /^(["']).*\1$/s.test(text) ? text.slice(1, -1) : text;
}

// The bound is above any name of an image, and keeps many open braces from being read to the end each.
const reference = /\$(?:(\w+)|\{(\w+)(?::?([-+])([^}]{0,512}))?\})/g;

/**
 * `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}`, as Docker's shell words have them. What is longer than any
 * name is cut: ARGs that double each other would else fill the memory.
 */
function expandArgs(text: string, values: ReadonlyMap<string, string>): string {
  const replaced = withoutQuotes(text.slice(0, MAX_WORD)).replace(
    reference,
    (_, bare?: string, braced?: string, sign?: string, word = '') => {
      const value = values.get(bare ?? braced ?? '') ?? '';
      if (sign === '-') return value || word;
      if (sign === '+') return value ? word : '';
      return value;
    },
  );
  return replaced.slice(0, MAX_WORD);
}
