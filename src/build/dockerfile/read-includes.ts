/** Reads the INCLUDEs of a file, with the variables that hold at their lines. */

import { includeError } from './diagnostic.ts';
import { type Instruction, joinLines } from './instructions.ts';
import { MAX_LINE } from './limits.ts';
import type { Include, SourceFile } from './source-file.ts';
import type { Origin } from './source-map.ts';
import { spotOf, spotOfInstruction } from './spots.ts';
import { parseStatement, StatementError } from './statement.ts';
import { createScope, type Given, type Scope } from './variables.ts';

export interface ReadIncludesOptions {
  given: Given;
  /** Values of the file's inputs, as latin1. */
  inputs: ReadonlyMap<string, string>;
  /** The INCLUDE lines that led to the file. */
  via: readonly Origin[];
}

const ONBUILD_INCLUDE = /^(?:ONBUILD[\t\v\f\r ]+)+INCLUDE(?=[\t\v\f\r ]|$)/i;

/** All of them in file order. Throws IncludeError for one that cannot be read or stands in the wrong place. */
export function readIncludes(
  file: SourceFile,
  { given, inputs, via }: ReadIncludesOptions,
): Map<Instruction, Include> {
  const { instructions, text, escape: byte } = file.parsed;
  const token = String.fromCharCode(byte);
  const scope = createScope({ ...given, inputs, token });
  const includes = new Map<Instruction, Include>();
  const hasIncludes = instructions.some(({ keyword }) => keyword === 'INCLUDE');
  for (const instruction of instructions) {
    if (instruction.keyword === 'ONBUILD') refuseOnbuild(file, instruction, via);
    else if (hasIncludes && instruction.keyword === 'ARG') {
      scope.declare(joinLines(text, instruction, byte).text);
    } else if (instruction.keyword === 'INCLUDE') {
      includes.set(instruction, readInclude(file, { instruction, scope, via }));
    }
  }
  if (hasIncludes || via.length > 0) refuseLongLines(file, via);
  return includes;
}

function readInclude(file: SourceFile, { instruction, scope, via }: Reading): Include {
  const { parsed } = file;
  const line = joinLines(parsed.text, instruction, parsed.escape);
  try {
    const token = String.fromCharCode(parsed.escape);
    return { instruction, statement: parseStatement({ line, token, scope }) };
  } catch (error) {
    if (!(error instanceof StatementError)) throw error;
    throw includeError(error.problem, spotOf(file, error.span, via));
  }
}

interface Reading {
  instruction: Instruction;
  scope: Scope;
  via: readonly Origin[];
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
      throw includeError(problem, spotOf(file, { line, from: start, to: start + 1 }, via));
    }
    start = end + 1;
  }
}
