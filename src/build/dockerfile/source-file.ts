/** A file that takes part in an expansion: its instructions, its INCLUDEs, and whether it may take part at all. */

import { createHash } from 'node:crypto';
import type { Fragment } from '../../core/build.ts';
import { type Diagnostic, describe, includeError, type Spot } from './diagnostic.ts';
import type { ProjectTree } from './fetch.ts';
import { lineProblems, pragmas, wholeFileProblem } from './fragment-rules.ts';
import {
  type Instruction,
  joinLines,
  type ParsedDockerfile,
  parseDockerfile,
} from './instructions.ts';
import { MAX_LINE } from './limits.ts';
import type { Origin } from './source-map.ts';
import { parseStatement, type Span, type Statement } from './statement.ts';

export interface Include {
  instruction: Instruction;
  statement: Statement;
  /** What the source turned out to be, once it is loaded. */
  target?: SourceFile | undefined;
}

export interface SourceFile extends Fetched {
  sha256: string;
  parsed: ParsedDockerfile;
  includes: Map<Instruction, Include>;
  /** `# ekiden: once`: spliced once in a stage, however often it is included. */
  once: boolean;
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

export interface FragmentOptions {
  fetched: Fetched;
  /** The Dockerfile itself, whose directives hold for all. */
  root: SourceFile;
  maxSize: number;
  /** The source word that names the fragment, for what is wrong with the file as a whole. */
  asked: Spot;
  /** The INCLUDE lines that led here. */
  via: readonly Origin[];
}

const ONBUILD_INCLUDE = /^ONBUILD[\t\v\f\r ]+INCLUDE(?=[\t\v\f\r ]|$)/i;

/** The Dockerfile itself. Throws IncludeError for an INCLUDE that cannot be read. */
export function openDockerfile(
  fetched: Fetched,
  parsed = parseDockerfile(fetched.bytes),
): SourceFile {
  return open(fetched, parsed, []);
}

/** An included file with its warnings. Throws IncludeError where it cannot be spliced. */
export function openFragment(options: FragmentOptions): {
  file: SourceFile;
  warnings: Diagnostic[];
} {
  const { fetched, root, asked, via } = options;
  const whole = wholeFileProblem(fetched, options.maxSize);
  if (whole) throw includeError(whole, asked);
  const parsed = parseDockerfile(fetched.bytes, root.parsed.escape);
  const lines = lineProblems(parsed, root.parsed);
  const at = (line: number) => spotOfLine(fetched.id, parsed.text, line, via);
  const error = lines.find(({ severity }) => severity === 'error');
  if (error) throw includeError(error.problem, at(error.line));
  const warnings = lines.map(({ problem, line }) => describe('warning', problem, at(line)));
  return { file: open(fetched, parsed, via), warnings };
}

/** A stretch of a file, for a diagnostic. */
export function spotOf(file: SourceFile, span: Span, via: readonly Origin[]): Spot {
  return { file: file.id, text: file.parsed.text, ...span, via };
}

/** The first line of an instruction, for a diagnostic. */
export function spotOfInstruction(
  file: SourceFile,
  { startLine, start }: Instruction,
  via: readonly Origin[],
): Spot {
  return spotOfLine(file.id, file.parsed.text, startLine, via, start);
}

function open(fetched: Fetched, parsed: ParsedDockerfile, via: readonly Origin[]): SourceFile {
  const file: SourceFile = {
    ...fetched,
    sha256: createHash('sha256').update(fetched.bytes).digest('hex'),
    parsed,
    includes: new Map(),
    once: pragmas(parsed).some(({ name }) => name === 'once'),
  };
  for (const instruction of parsed.instructions) {
    if (instruction.keyword === 'ONBUILD') refuseOnbuild(file, instruction, via);
    if (instruction.keyword !== 'INCLUDE') continue;
    const line = joinLines(parsed.text, instruction, parsed.escape);
    const statement = parseStatement(line, parsed.escape);
    if ('problem' in statement) {
      throw includeError(statement.problem, spotOf(file, statement.span, via));
    }
    file.includes.set(instruction, { instruction, statement });
  }
  if (file.includes.size > 0 || via.length > 0) refuseLongLines(file, via);
  return file;
}

function refuseOnbuild(file: SourceFile, instruction: Instruction, via: readonly Origin[]): void {
  const { text } = joinLines(file.parsed.text, instruction, file.parsed.escape);
  if (!ONBUILD_INCLUDE.test(text)) return;
  const problem = {
    code: 'E_ONBUILD',
    message: 'INCLUDE cannot stand behind ONBUILD: it would run in builds that Ekiden does not see',
    hint: 'Include the fragment in the Dockerfile that builds on this image.',
  };
  throw includeError(problem, spotOfInstruction(file, instruction, via));
}

function refuseLongLines(file: SourceFile, via: readonly Origin[]): void {
  const { text } = file.parsed;
  let line = 1;
  for (let start = 0; text.length - start > MAX_LINE; line++) {
    const lineFeed = text.indexOf('\n', start);
    const end = lineFeed === -1 ? text.length : lineFeed;
    if (end - start > MAX_LINE) {
      const problem = {
        code: 'E_LINE_TOO_LONG',
        message: `the line has ${end - start} bytes, and Docker reads at most ${MAX_LINE}`,
        hint: 'Break the line, or COPY its content as a file.',
      };
      throw includeError(problem, { file: file.id, text, line, from: start, to: start + 1, via });
    }
    start = end + 1;
  }
}

function spotOfLine(
  file: string,
  text: string,
  line: number,
  via: readonly Origin[],
  start = offsetOfLine(text, line),
): Spot {
  const lineFeed = text.indexOf('\n', start);
  const content = text.slice(start, lineFeed === -1 ? text.length : lineFeed);
  const from = start + content.length - content.trimStart().length;
  return { file, text, line, from, to: start + content.trimEnd().length, via };
}

function offsetOfLine(text: string, line: number): number {
  let offset = 0;
  for (let above = 1; above < line; above++) offset = text.indexOf('\n', offset) + 1;
  return offset;
}
