/** Watches the stages that a Dockerfile gets from its fragments. */

import {
  type Diagnostic,
  describe,
  includeError,
  type Problem,
  type Severity,
  type Spot,
} from './diagnostic.ts';
import { type Instruction, joinLines } from './instructions.ts';
import { MAX_WARNINGS } from './limits.ts';
import type { SourceFile } from './source-file.ts';
import type { Origin } from './source-map.ts';
import { spotOfInstruction } from './spots.ts';

export interface StageWatch {
  /** Number of FROMs so far. */
  readonly count: number;
  readonly diagnostics: Diagnostic[];
  /** Takes note of the next instruction of the output. Throws IncludeError for a stage name that is taken. */
  see(file: SourceFile, instruction: Instruction, via: readonly Origin[]): void;
}

const FROM =
  /^FROM(?:[\t\v\f\r ]+--[^\t\v\f\r ]*)*[\t\v\f\r ]+([^\t\v\f\r ]+)(?:[\t\v\f\r ]+AS[\t\v\f\r ]+([^\t\v\f\r ]+))?/i;
const NUMERIC_COPY = /^COPY(?:[\t\v\f\r ]+--[^\t\v\f\r ]*)*?[\t\v\f\r ]+--from=\d+(?=[\t\v\f\r ])/i;
const NUMBER = /^\d+$/;

export function watchStages(): StageWatch {
  const names = new Map<string, { place: Origin; included: boolean }>();
  const diagnostics: Diagnostic[] = [];
  let count = 0;
  let hasIncluded = false;

  function tell(severity: Severity, problem: Problem, spot: () => Spot) {
    if (diagnostics.length < MAX_WARNINGS) diagnostics.push(describe(severity, problem, spot()));
  }

  function seeFrom(
    file: SourceFile,
    instruction: Instruction,
    via: readonly Origin[],
    text: string,
  ) {
    const spot = () => spotOfInstruction(file, instruction, via);
    const [, image = '', alias] = FROM.exec(text) ?? [];
    const name = alias?.toLowerCase();
    const included = via.length > 0;
    if (hasIncluded && NUMBER.test(image)) tell('warning', NUMERIC, spot);
    if (included && count > 0) tell('note', newStage(file, instruction), spot);
    const earlier = name === undefined ? undefined : names.get(name);
    // Two stages of one name in the Dockerfile itself are Docker's to judge.
    if (name && earlier && (included || earlier.included)) {
      throw includeError(duplicate(name, earlier.place), spot());
    }
    if (name) names.set(name, { place: { file: file.id, line: instruction.startLine }, included });
    hasIncluded ||= included;
    count++;
  }

  return {
    get count() {
      return count;
    },
    diagnostics,
    see(file, instruction, via) {
      const isFrom = instruction.keyword === 'FROM';
      if (!isFrom && !(hasIncluded && instruction.keyword === 'COPY')) return;
      const { text } = joinLines(file.parsed.text, instruction, file.parsed.escape);
      if (isFrom) seeFrom(file, instruction, via, text);
      else if (NUMERIC_COPY.test(text)) {
        tell('warning', NUMERIC, () => spotOfInstruction(file, instruction, via));
      }
    },
  };
}

const NUMERIC = {
  code: 'W_NUMERIC_STAGE',
  message: 'a stage is named by its number, and an included file adds stages above',
  hint: 'Name the stage (FROM … AS build) and use the name.',
};

function newStage(file: SourceFile, { startLine }: Instruction) {
  return {
    code: 'N_NEW_STAGE',
    message: `${file.id}:${startLine} starts a new stage`,
    hint: 'The lines above it stay in the stage before, as if this FROM stood in the Dockerfile.',
  };
}

function duplicate(name: string, { file, line }: Origin) {
  return {
    code: 'E_STAGE_DUPLICATE',
    message: `a stage named ${name} exists already, from ${file}:${line}`,
    hint: 'Give one of them another name.',
  };
}
