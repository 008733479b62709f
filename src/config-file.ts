/** The file of settings, `ekiden.config.yaml`: where it lies, and what it says on which line. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { messageOf } from './core/errors.ts';

/** Where it is looked for when EKIDEN_CONFIG names none. */
const usualPlaces = ['ekiden.config.yaml', '/etc/ekiden/ekiden.config.yaml'];

/** A file of settings is some lines; what is larger is another file. */
const sizeLimit = 1024 * 1024;

export interface ConfigEntry {
  /** A text as it is written, or a list or a map of texts. */
  value: unknown;
  /** Such as `ekiden.config.yaml:3`. */
  place: string;
}

export interface ConfigFile {
  path: string;
  entries: Map<string, ConfigEntry>;
  /** What is wrong with the file itself, each with its place; never with a value. */
  problems: string[];
  /** True when others than its owner may read it. */
  exposed: boolean;
}

export interface FileReading {
  /** True when a usual file that is for other users is as good as none. */
  ifAllowed?: boolean;
}

/** Reads the file that is named, or the first of the usual ones; undefined when there is none. */
export function readConfigFile(
  named: string | undefined,
  { ifAllowed = false }: FileReading = {},
): ConfigFile | undefined {
  const passedOver = ifAllowed ? ['ENOENT', 'EACCES'] : ['ENOENT'];
  for (const path of named ? [named] : usualPlaces) {
    try {
      const { text, exposed } = load(path);
      return { path, exposed, ...parse(path, text) };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (!named && passedOver.includes(code)) continue;
      const problem = `${path}: cannot be read: ${messageOf(error)}.`;
      return { path, entries: new Map(), problems: [problem], exposed: false };
    }
  }
  return undefined;
}

function load(path: string): { text: string; exposed: boolean } {
  const file = openSync(path, 'r');
  try {
    const { size, mode } = fstatSync(file);
    if (size > sizeLimit) throw new Error('it is larger than 1 MiB');
    return { text: readFileSync(file, 'utf8'), exposed: (mode & 0o044) !== 0 };
  } finally {
    closeSync(file);
  }
}

/**
 * With the failsafe schema every value is the text that a person wrote: of 007 or 1.20 nothing is to
 * be lost by reading a number. Excerpts in the parser's messages may hold a secret and are cut off.
 */
function parse(path: string, text: string): Pick<ConfigFile, 'entries' | 'problems'> {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    schema: 'failsafe',
    lineCounter: lines,
    prettyErrors: false,
  });
  const at = (offset: number | undefined) => `${path}:${lines.linePos(offset ?? 0).line}`;
  const problems = document.errors.map(
    ({ pos, message }) => `${at(pos[0])}: is no YAML: ${message.split(':', 1)[0]}.`,
  );
  const entries = new Map<string, ConfigEntry>();
  const { contents } = document;
  if (problems.length > 0 || contents === null) return { entries, problems };
  if (!isMap(contents)) {
    problems.push(
      `${path}:1: is no list of settings, such as gitlabUrl: https://gitlab.example.com.`,
    );
    return { entries, problems };
  }
  for (const { key, value } of contents.items) {
    const place = at(isScalar(key) ? key.range?.[0] : 0);
    try {
      entries.set(String(key), { place, value: isNode(value) ? value.toJS(document) : undefined });
    } catch (error) {
      problems.push(`${place}: cannot be read: ${messageOf(error).split(':', 1)[0]}.`);
    }
  }
  return { entries, problems };
}
