/** Which paths of the context a Dockerfile can see: only these have to be sent, and only these can change its image. */
import { posix } from 'node:path';
import { instructionText, parseDockerfile } from '../dockerfile/index.ts';
import { createVariables, type Variables } from './variables.ts';

/**
 * Everything, or the files and folders that COPY and ADD name, from the context's root; a folder stands
 * for all that lies below it. The paths hold only under two conditions, which no Dockerfile tells: no
 * path is or passes a symbolic link, and no base image adds to what the Dockerfile says.
 */
export type Visible =
  | { all: true }
  | {
      all: false;
      paths: string[];
      /** Those folders among the paths of which a wildcard takes entries, links among them. */
      wildcards: string[];
      /** Images of the FROMs: their ONBUILD triggers can copy what they like. */
      bases: string[];
      /** ARGs that paths are made of: an ENV of the same name in a base image would take their place. */
      args: string[];
    };

export interface VisibleOptions {
  args: Readonly<Record<string, string>>;
  target?: string | undefined;
}

/** The answer for whatever is unclear. */
class Unclear extends Error {}

/**
 * Reads the expanded Dockerfile. Stages behind the target are left out, those before it are not: the
 * classic builder makes them all. What is not plainly written makes everything visible.
 */
export function visiblePaths(dockerfile: Buffer, options: VisibleOptions): Visible {
  const reading = createReading(options);
  try {
    readAll(dockerfile, (keyword, rest) => seeInstruction(keyword, rest, reading));
  } catch (error) {
    if (error instanceof Unclear) return { all: true };
    throw error;
  }
  return {
    all: false,
    paths: withoutNested([...reading.sources]),
    wildcards: [...reading.wildcards].sort(),
    bases: [...reading.bases],
    args: [...reading.variables.used].sort(),
  };
}

/** The files and folders that COPY and ADD name plainly, whatever else is unclear. */
export function namedSources(dockerfile: Buffer, options: VisibleOptions): string[] {
  const reading = createReading(options);
  const seeIfClear = (keyword: string, rest: string) => {
    try {
      seeInstruction(keyword, rest, reading);
    } catch (error) {
      if (!(error instanceof Unclear)) throw error;
    }
  };
  try {
    readAll(dockerfile, seeIfClear);
  } catch (error) {
    if (!(error instanceof Unclear)) throw error;
  }
  return [...reading.sources].filter((source) => !reading.wildcards.has(source));
}

interface Reading {
  target: string | undefined;
  variables: Variables;
  sources: Set<string>;
  wildcards: Set<string>;
  bases: Set<string>;
  /** Names of the stages so far, as they are compared. */
  stages: string[];
  hasTriggers: boolean;
  /** True behind the last stage that is built. */
  isBehind: boolean;
}

/** Those between words: a name of a file may hold any other. */
const blanks = /[\t\v\f\r ]+/;

/** Instructions that take nothing of the context. */
const blind = new Set(
  'CMD ENTRYPOINT EXPOSE HEALTHCHECK LABEL MAINTAINER SHELL STOPSIGNAL USER VOLUME WORKDIR'.split(
    ' ',
  ),
);

function createReading({ args, target }: VisibleOptions): Reading {
  return {
    variables: createVariables(args),
    target: target?.toLowerCase(),
    sources: new Set(),
    wildcards: new Set(),
    bases: new Set(),
    stages: [],
    hasTriggers: false,
    isBehind: false,
  };
}

/** Shows all instructions, in one line each. */
function readAll(dockerfile: Buffer, see: (keyword: string, rest: string) => void): void {
  const parsed = parseDockerfile(dockerfile);
  const syntax = parsed.head.syntax?.value;
  // Another frontend may give words another meaning.
  if (syntax !== undefined && !/^(?:docker\.io\/)?docker\/dockerfile(?:[:@]|$)/.test(syntax)) {
    throw new Unclear();
  }
  for (const instruction of parsed.instructions) {
    const said = instructionText(parsed, instruction);
    see(instruction.keyword, said.slice(instruction.keyword.length).trim());
  }
}

function isBuilt(stages: readonly string[], target: string | undefined): boolean {
  if (target === undefined || stages.length === 0) return false;
  return stages.at(-1) === target || String(stages.length - 1) === target;
}

function seeInstruction(keyword: string, rest: string, reading: Reading): void {
  if (blind.has(keyword)) return;
  if (keyword === 'FROM') reading.isBehind ||= isBuilt(reading.stages, reading.target);
  if (reading.isBehind) seeBehind(keyword, rest, reading);
  else if (keyword === 'FROM') seeFrom(rest, reading);
  else if (keyword === 'ARG') reading.variables.declare(rest);
  else if (keyword === 'ENV') reading.variables.hide(rest);
  else if (keyword === 'COPY' || keyword === 'ADD') seeCopy(rest, reading);
  else if (keyword === 'RUN') seeRun(rest);
  else if (keyword === 'ONBUILD') reading.hasTriggers = true;
  else throw new Unclear();
}

/** Of two stages that have the name of the target BuildKit makes the last, the classic builder the first. */
function seeBehind(keyword: string, rest: string, { target }: Reading): void {
  const [, ...words] = rest.toLowerCase().split(blanks);
  if (keyword === 'FROM' && words.at(-1) === target) throw new Unclear();
}

function seeFrom(rest: string, reading: Reading): void {
  const { stages, bases, variables } = reading;
  // A stage that is built on one of this file would run its triggers.
  if (reading.hasTriggers) throw new Unclear();
  const [image, as, name = '', ...more] = splitFlags(rest).rest.split(blanks);
  const base = known(variables.expandImage(image ?? ''));
  if (
    base === '' ||
    /["'\\`$]/.test(base) ||
    more.length > 0 ||
    (as !== undefined && as.toUpperCase() !== 'AS')
  ) {
    throw new Unclear();
  }
  if (!stages.includes(base.toLowerCase()) && base !== 'scratch') bases.add(base);
  stages.push(name.toLowerCase());
  variables.beginStage();
}

const copyFlags =
  /^--(?:from|chown|chmod|link|parents|exclude|checksum|keep-git-dir|unpack)(?:=|$)/;

function seeCopy(rest: string, reading: Reading): void {
  const { flags, rest: said } = splitFlags(rest);
  if (!flags.every((flag) => copyFlags.test(flag))) throw new Unclear();
  const from = flags.find((flag) => flag.startsWith('--from'));
  if (from !== undefined) {
    if (/^--from=[^$"'\\]+$/.test(from)) return;
    throw new Unclear();
  }
  const words = readList(said) ?? said.split(blanks);
  if (words.length < 2) throw new Unclear();
  for (const word of words.slice(0, -1)) seeSource(word, reading);
}

function seeSource(word: string, { variables, sources, wildcards }: Reading): void {
  const source = known(variables.expandPath(word));
  if (/^https?:\/\//i.test(source)) return;
  // What is left of quotes, escapes, heredocs and other addresses is for Docker to read.
  if (/["'\\`$<:]/.test(source)) throw new Unclear();
  const path = posix.join('/', source).replace(/\/$/, '').slice(1);
  const segments = path.split('/');
  const firstWild = segments.findIndex((segment) => /[*?[]/.test(segment));
  const isWild = firstWild !== -1;
  if (isWild && firstWild !== segments.length - 1) throw new Unclear();
  const visible = isWild ? segments.slice(0, -1).join('/') : path;
  if (visible === '') throw new Unclear();
  sources.add(visible);
  if (isWild) wildcards.add(visible);
}

/** A mount of the kind `bind`, which is also the default, shows the context unless it names a stage. */
function seeRun(rest: string): void {
  for (const flag of splitFlags(rest).flags) {
    if (!flag.startsWith('--mount')) continue;
    if (/["'\\$]/.test(flag)) throw new Unclear();
    const options = new Map(
      flag
        .slice('--mount='.length)
        .split(',')
        .map((option) => option.toLowerCase().split('=', 2) as [string, string | undefined]),
    );
    const isBind = (options.get('type') ?? 'bind') === 'bind';
    if (isBind && !options.get('from')) throw new Unclear();
  }
}

/** Flags stand before everything else; one that holds quotes or blanks is not read to its end. */
function splitFlags(text: string): { flags: string[]; rest: string } {
  const flags: string[] = [];
  let rest = text;
  for (let flag = /^--\S*/.exec(rest)?.[0]; flag; flag = /^--\S*/.exec(rest)?.[0]) {
    if (/["'\\`]/.test(flag)) throw new Unclear();
    flags.push(flag);
    rest = rest.slice(flag.length).trimStart();
  }
  return { flags, rest };
}

/** The words of the JSON form; undefined where the text is none, which Docker then takes as words. */
function readList(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    const isList = Array.isArray(list) && list.every((word) => typeof word === 'string');
    return isList ? list : undefined;
  } catch {
    return undefined;
  }
}

function known(value: string | undefined): string {
  if (value === undefined) throw new Unclear();
  return value;
}

/** Sorted, without those that lie in another one. */
function withoutNested(paths: string[]): string[] {
  const all = new Set(paths);
  const isNested = (path: string) => {
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      if (all.has(path.slice(0, at))) return true;
    }
    return false;
  };
  return paths.filter((path) => !isNested(path)).sort();
}
