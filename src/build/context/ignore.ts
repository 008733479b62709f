/** The rules of a `.dockerignore`, as Docker reads them: which paths of the context are not sent. */
import { posix } from 'node:path';
import { InputError } from '../../core/errors.ts';
import { compilePattern, ensureGlob, isWalked, PatternError } from './ignore-pattern.ts';

/** True for a path of the context, without a slash at either end, that is not to be sent. */
export type Ignores = (path: string) => boolean;

export interface IgnoreFile {
  /** Its path in the repository, for errors. */
  file: string;
  bytes: Buffer;
}

interface Rule {
  matches: (path: string) => boolean;
  /** It begins with `!` and brings back what an earlier one took away. */
  isException: boolean;
}

/** Each pattern is held against each path and the folders above it, which must not take the build's whole time. */
const sizeLimit = 64 * 1024;

/** Of patterns with wildcards, each character is held against each one of a path, so far fewer do harm. */
const walkedLimit = 4 * 1024;

const patternHint =
  'Its patterns are those of Docker: https://docs.docker.com/build/concepts/context/.';
const walkedHint =
  'Name whole folders (folder/ or **/folder) in place of what lies in them: such patterns are not counted.';

/**
 * Compiles the file. Of the rules that match a path or a folder that it lies in, the last one decides,
 * by the way of moby/patternmatcher (MatchesUsingParentResults).
 * @throws InputError that names file and line, where Docker would refuse it too or it would take too long.
 */
export function compileIgnore({ file, bytes }: IgnoreFile): Ignores {
  if (bytes.length > sizeLimit) throw refusal(`${file}: is larger than 64 KiB.`);
  let walked = 0;
  const rules = readLines(bytes.toString('utf8')).map(({ text, line }) => {
    try {
      const { pattern, isException } = readPattern(text);
      if (isWalked(pattern)) walked += pattern.length;
      if (walked > walkedLimit) {
        const reason = 'the patterns with wildcards are longer than 4 KiB together';
        throw refusal(`${file}:${line}: ${reason}.`, walkedHint);
      }
      return { matches: compilePattern(pattern), isException };
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      throw refusal(`${file}:${line}: ${error.message}.`);
    }
  });
  return createMatcher(rules);
}

function refusal(message: string, hint = patternHint): InputError {
  return new InputError(message, { code: 'E_DOCKERIGNORE', hint });
}

function readLines(text: string): { text: string; line: number }[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  return lines
    .map((line, index) => ({ text: line, line: index + 1 }))
    .filter(({ text: line }) => !line.startsWith('#') && line.trim() !== '');
}

/** A line as ignorefile.ReadAll and then patternmatcher.New take it. */
function readPattern(line: string): { pattern: string; isException: boolean } {
  const said = line.trim();
  const isException = said.startsWith('!');
  const written = isException ? said.slice(1).trim() : said;
  const cleaned = written === '' ? '' : clean(written);
  if (isException && /^\/?$/.test(cleaned))
    throw new PatternError('an exception (!) names no path');
  const relative = cleaned.replace(/^\/(?=.)/, '');
  const pattern = clean(isException ? relative : relative.trim());
  ensureGlob(pattern);
  return { pattern, isException };
}

/** Go's filepath.Clean, which has no slash at the end. */
function clean(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 ? normal.replace(/\/$/, '') : normal;
}

/** Which rules matched a folder, or one that it lies in. */
interface Folder {
  path: string;
  matched: readonly boolean[];
}

function createMatcher(rules: readonly Rule[]): Ignores {
  // An archive names what lies in a folder together, so the folders of the last path mostly serve again.
  let folders: Folder[] = [];

  /** Looks at one path, with what its folder was matched by; a rule that would change nothing is not asked. */
  function look(path: string, above: readonly boolean[] | undefined) {
    let isIgnored = false;
    const matched = rules.map((rule, index) => {
      const isKnown = above?.[index] === true;
      const matches = isKnown || (rule.isException === isIgnored && rule.matches(path));
      if (matches) isIgnored = !rule.isException;
      return matches;
    });
    return { isIgnored, matched };
  }

  return (path) => {
    const segments = path.split('/');
    const chain: Folder[] = [];
    for (let depth = 1; depth < segments.length; depth++) {
      const folder = segments.slice(0, depth).join('/');
      const known = folders[depth - 1];
      const found =
        known?.path === folder
          ? known
          : { path: folder, matched: look(folder, chain.at(-1)?.matched).matched };
      chain.push(found);
    }
    folders = chain;
    return look(path, chain.at(-1)?.matched).isIgnored;
  };
}
