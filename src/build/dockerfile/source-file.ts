/** A file that takes part in an expansion: its instructions, its INCLUDEs, and whether it may take part at all. */

import { createHash } from 'node:crypto';
import type { Fragment, WrittenLine } from '../../core/build.ts';
import { type Diagnostic, describe, includeError, type Spot } from './diagnostic.ts';
import type { ProjectTree } from './fetch.ts';
import { fillInputs } from './fill.ts';
import { lineProblems, wholeFileProblem } from './fragment-rules.ts';
import { bindInputs, declaredInputs, type Input, type Values } from './inputs.ts';
import { type Instruction, type ParsedDockerfile, parseDockerfile } from './instructions.ts';
import type { Limits } from './limits.ts';
import { pragmas } from './pragmas.ts';
import { readIncludes } from './read-includes.ts';
import type { Origin } from './source-map.ts';
import { spotOf, spotOfLine, type Written, writtenLines } from './spots.ts';
import type { Statement } from './statement.ts';
import type { Given } from './variables.ts';

export interface Include {
  instruction: Instruction;
  statement: Statement;
  /** What the source turned out to be, once it is loaded. */
  target?: SourceFile | undefined;
  /** The target's record as this source came to it, for another one may name the same commit by another ref. */
  record?: Fetched['record'];
}

/** The bytes of a file and where they come from. */
export interface Fetched {
  /** `docker/app.dockerfile`, `template:node@20.0.0` or `project:group/name@<12 digits>:docker/app.dockerfile`. */
  id: string;
  /** Path in its repository; undefined for a template. */
  path: string | undefined;
  /** The other project's commit that it lies in; undefined for that of the Dockerfile itself, and for templates. */
  tree?: ProjectTree;
  bytes: Buffer;
  /** What the record of a build says of it, besides its name. */
  record?: Pick<Fragment, 'template' | 'project'>;
}

/** A file that may be spliced, before its inputs have values. */
export interface Opened extends Fetched {
  sha256: string;
  parsed: ParsedDockerfile;
  inputs: ReadonlyMap<string, Input>;
  /** `# ekiden: once`: spliced once in a stage, however often it is included. */
  once: boolean;
}

/** A file with values for its inputs; `bytes` and `parsed` have them in place, `text` is the file as it was read. */
export interface SourceFile extends Opened, Written {
  /** Its lines that hold a value. */
  written: WrittenLine[];
  includes: Map<Instruction, Include>;
}

/** What holds for all files of an expansion. */
export interface Setting {
  limits: Limits;
  given: Given;
}

export interface FragmentOptions {
  fetched: Fetched;
  /** The Dockerfile itself, whose directives hold for all. */
  root: SourceFile;
  limits: Limits;
  /** The source word that names the fragment, for what is wrong with the file as a whole. */
  asked: Spot;
  /** The INCLUDE lines that led here. */
  via: readonly Origin[];
}

export interface UseOptions {
  values: Values;
  setting: Setting;
  /** The INCLUDE lines that led here. */
  via: readonly Origin[];
}

/** The Dockerfile itself, with the defaults of its inputs. Throws IncludeError for an INCLUDE that cannot be read. */
export function openDockerfile(
  fetched: Fetched,
  parsed: ParsedDockerfile,
  setting: Setting,
): SourceFile {
  const opened = open(fetched, parsed, []);
  const declared = ({ line }: Input) => spotOfLine({ id: fetched.id, text: parsed.text }, line, []);
  const { id, inputs } = opened;
  const spots = { declared, missing: declared };
  const values = bindInputs({
    id,
    inputs,
    token: String.fromCharCode(parsed.escape),
    given: [],
    spots,
  });
  return useFile(opened, { values, setting, via: [] });
}

/** An included file with its warnings. Throws IncludeError where it cannot be spliced. */
export function openFragment(options: FragmentOptions): { opened: Opened; warnings: Diagnostic[] } {
  const { fetched, root, limits, asked, via } = options;
  const whole = wholeFileProblem(fetched, limits);
  if (whole) throw includeError(whole, asked);
  const parsed = parseDockerfile(fetched.bytes, root.parsed.escape);
  const lines = lineProblems(parsed, root.parsed);
  const at = (line: number) => spotOfLine({ id: fetched.id, text: parsed.text }, line, via);
  const error = lines.find(({ severity }) => severity === 'error');
  if (error) throw includeError(error.problem, at(error.line));
  const warnings = lines.map(({ problem, line }) => describe('warning', problem, at(line)));
  return { opened: open(fetched, parsed, via), warnings };
}

/** The values that an INCLUDE gives to the inputs of a file. Throws IncludeError where they do not fit. */
export function valuesFor(
  opened: Opened,
  { statement, instruction }: Include,
  { includer, via }: { includer: SourceFile; via: readonly Origin[] },
): Values {
  const { id, inputs, parsed } = opened;
  const chain = [...via, { file: includer.id, line: instruction.startLine }];
  return bindInputs({
    id,
    inputs,
    token: String.fromCharCode(parsed.escape),
    given: statement.inputs.map(({ name, value, span }) => ({
      name,
      text: value,
      spot: () => spotOf(includer, span, via),
    })),
    spots: {
      declared: ({ line }) => spotOfLine({ id, text: parsed.text }, line, chain),
      missing: () => spotOf(includer, statement.span, via),
    },
  });
}

/** The file with values. Throws IncludeError where one cannot stand in its place, and for an INCLUDE that is wrong. */
export function useFile(opened: Opened, { values, setting, via }: UseOptions): SourceFile {
  const { limits, given } = setting;
  const filled = fillInputs({ ...opened, values, limits, via });
  const file: SourceFile = {
    ...opened,
    bytes: filled?.bytes ?? opened.bytes,
    parsed: filled?.parsed ?? opened.parsed,
    text: opened.parsed.text,
    edits: filled?.edits ?? [],
    written: filled ? writtenLines(opened.parsed.text, filled.edits) : [],
    includes: new Map(),
  };
  const inputs = new Map([...values].map(([name, { text }]) => [name, text]));
  file.includes = readIncludes(file, { given, inputs, via });
  return file;
}

function open(fetched: Fetched, parsed: ParsedDockerfile, via: readonly Origin[]): Opened {
  const asked = pragmas(parsed);
  const { inputs, problem } = declaredInputs(asked, String.fromCharCode(parsed.escape));
  if (problem) {
    const spot = spotOfLine({ id: fetched.id, text: parsed.text }, problem.line, via);
    throw includeError(problem.problem, spot);
  }
  return {
    ...fetched,
    sha256: createHash('sha256').update(fetched.bytes).digest('hex'),
    parsed,
    inputs,
    once: asked.some(({ name }) => name === 'once'),
  };
}
