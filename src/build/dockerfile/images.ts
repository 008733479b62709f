/** The images that a Dockerfile is built on: those that its FROM and COPY --from name. */

import { splitWords } from './args.ts';
import { joinLines, type ParsedDockerfile, parseDockerfile } from './instructions.ts';
import { MAX_WORD, type Piece, type Reference, readWord, type Sign } from './words.ts';

/** All of them, as they are written once args have their values; stages of the file are none. */
export function namedImages(bytes: Buffer, args: Record<string, string>): string[] {
  const parsed = parseDockerfile(bytes);
  const token = String.fromCharCode(parsed.escape);
  const values = new Map<string, string>();
  const expand = (word: string) => expandArgs(word, token, values);
  const stages = new Set<string>();
  const images = new Set<string>();
  const add = (name: string) => {
    const isStage = stages.has(name.toLowerCase()) || /^\d+$/.test(name);
    if (!isStage && name !== 'scratch') images.add(name);
  };
  let hasBegun = false;
  for (const [keyword, ...words] of instructionsOf(parsed, token)) {
    // Only the ARGs before the first FROM hold in FROM.
    if (keyword === 'ARG' && !hasBegun)
      for (const word of words) declare(word, args, { values, expand });
    if (keyword === 'COPY') for (const word of words) if (isFrom.test(word)) add(word.slice(7));
    if (keyword !== 'FROM') continue;
    hasBegun = true;
    const [image = '', as = '', stage] = words.filter((word) => !word.startsWith('--'));
    add(expand(image));
    if (as.toUpperCase() === 'AS' && stage) stages.add(stage.toLowerCase());
  }
  return [...images];
}

const isFrom = /^--from=./;

/** The words of those instructions that matter, the keyword in upper case. */
function* instructionsOf(parsed: ParsedDockerfile, token: string): Generator<string[]> {
  for (const instruction of parsed.instructions) {
    if (!['ARG', 'FROM', 'COPY'].includes(instruction.keyword)) continue;
    const { text } = joinLines(parsed.text, instruction, parsed.escape);
    const utf8 = Buffer.from(text, 'latin1').toString();
    const [, ...words] = splitWords(utf8, token);
    yield [instruction.keyword, ...words];
  }
}

interface Declaring {
  values: Map<string, string>;
  expand: (word: string) => string;
}

function declare(word: string, args: Record<string, string>, { values, expand }: Declaring): void {
  const [name = ''] = word.split('=', 1);
  const given = Object.hasOwn(args, name) ? args[name] : undefined;
  const written = word.length > name.length ? expand(word.slice(name.length + 1)) : undefined;
  const value = given ?? written;
  if (value !== undefined) values.set(name, value);
}

const signs: readonly Sign[] = [':-', '-', ':+', '+'];

/**
 * A word as Docker's shell words have it; as it is written where Docker would refuse it. What is longer than any name is
 * cut: ARGs that double each other would else fill the memory.
 */
function expandArgs(word: string, token: string, values: ReadonlyMap<string, string>): string {
  const written = word.slice(0, MAX_WORD);
  const { pieces, problem } = readWord(written, 0, token, signs);
  return problem === undefined ? expandPieces(pieces, values) : written;
}

function expandPieces(pieces: readonly Piece[], values: ReadonlyMap<string, string>): string {
  let text = '';
  for (const piece of pieces) {
    text += typeof piece === 'string' ? piece : textOf(piece, values);
    if (text.length > MAX_WORD) break;
  }
  return text.slice(0, MAX_WORD);
}

/** Nothing for a variable without a value, where INCLUDE would complain. */
function textOf({ name, otherwise }: Reference, values: ReadonlyMap<string, string>): string {
  const value = values.get(name);
  if (otherwise === undefined) return value ?? '';
  const isSet = value !== undefined && (value !== '' || !otherwise.sign.startsWith(':'));
  const isInstead = otherwise.sign.endsWith('-');
  if (isSet === isInstead) return isInstead ? (value ?? '') : '';
  return expandPieces(otherwise.pieces, values);
}
