/** The images that a Dockerfile takes from elsewhere: those of FROM, COPY --from and mounts, and the one that reads it. */

import { parseWords } from './args.ts';
import { instructionText, type ParsedDockerfile, parseDockerfile } from './instructions.ts';
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
  for (const { keyword, words } of instructionsOf(parsed, token)) {
    if (keyword === 'FROM') {
      hasBegun = true;
      const [image = '', as = '', stage] = words.filter((word) => !word.startsWith('--'));
      add(expand(image));
      if (as.toUpperCase() === 'AS' && stage) stages.add(stage.toLowerCase());
    } else if (keyword === 'ARG') {
      // Only those before the first FROM hold in FROM.
      const holding = hasBegun ? [] : words;
      for (const word of holding) declare(word, args, { values, expand });
    } else {
      for (const name of imagesInFlags(words)) add(name);
    }
  }
  const { syntax } = parsed.head;
  const frontend = syntax?.value.split(' ')[0];
  return frontend ? [...images, frontend] : [...images];
}

interface Words {
  /** In upper case. */
  keyword: string;
  /** Behind it. */
  words: string[];
}

const telling = new Set(['ARG', 'FROM', 'COPY', 'RUN']);

function* instructionsOf(parsed: ParsedDockerfile, token: string): Generator<Words> {
  for (const instruction of parsed.instructions) {
    const isTrigger = instruction.keyword === 'ONBUILD';
    if (!isTrigger && !telling.has(instruction.keyword)) continue;
    const words = parseWords(instructionText(parsed, instruction), token);
    // A stage of the same file that is built on this one runs its triggers.
    const [keyword = '', ...others] = isTrigger ? words.slice(1) : words;
    if (telling.has(keyword.toUpperCase())) yield { keyword: keyword.toUpperCase(), words: others };
  }
}

/** Those of `--from` and of mounts. */
function imagesInFlags(words: string[]): string[] {
  const end = words.findIndex((word) => !word.startsWith('--'));
  const flags = end === -1 ? words : words.slice(0, end);
  return flags.flatMap((flag) => {
    if (!flag.startsWith('--mount=')) return /^--from=(.+)$/s.exec(flag)?.[1] ?? [];
    return [...flag.matchAll(/[=,]from=([^,]+)/gi)].map(([, name = '']) => name);
  });
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
