/** Puts the bytes of all included files in the place of their INCLUDE lines; pure, everything is loaded. */

import type { Fragment, WrittenLine } from '../../core/build.ts';
import { refuseCycle } from './cycle.ts';
import { type Diagnostic, includeError, type Spot } from './diagnostic.ts';
import { BELOW_COMMENT, BELOW_DIRECTIVES, readTop, type Top } from './directives.ts';
import { countProblem, depthProblem, type Limits, totalSizeProblem } from './limits.ts';
import type { Include, SourceFile } from './source-file.ts';
import type { Origin, TracedRun } from './source-map.ts';
import { spotOf } from './spots.ts';
import { type StageWatch, watchStages } from './stages.ts';

/** A file that was spliced in, or left out as a repeat. */
export interface Included extends Fragment {
  /** The INCLUDE line. */
  at: Origin;
}

export interface Splice {
  bytes: Buffer;
  map: TracedRun[];
  /** Lines of `bytes` that hold the value of an input, in order. */
  written: WrittenLine[];
  included: Included[];
  /** Repeats that were left out. */
  skipped: Included[];
  warnings: Diagnostic[];
}

const LINE_FEED = 0x0a;
const NEWLINE = Buffer.of(LINE_FEED);
// Blanks alone would not keep JSON from being read as a directive.
const COMMENT = Buffer.from('#\n');

interface Output {
  readonly root: SourceFile;
  readonly limits: Limits;
  readonly chunks: Buffer[];
  size: number;
  endsLine: boolean;
  /** What may still be a directive in the next lines. */
  top: Top;
  readonly map: TracedRun[];
  /** Lines so far. */
  lines: number;
  readonly written: WrittenLine[];
  readonly included: Included[];
  readonly skipped: Included[];
  readonly stages: StageWatch;
  /** In which stage a file was spliced last. */
  readonly stageOf: Map<SourceFile, number>;
  /** The INCLUDE at work, to which an output that grows too large is put down. */
  spot: Spot | undefined;
}

/** The expanded Dockerfile. Throws IncludeError for cycles, limits and stage names. */
export function spliceIncludes(root: SourceFile, limits: Limits): Splice {
  const output: Output = {
    root,
    limits,
    chunks: [],
    size: 0,
    endsLine: true,
    top: BELOW_DIRECTIVES,
    map: [],
    lines: 0,
    written: [],
    included: [],
    skipped: [],
    stages: watchStages(),
    stageOf: new Map(),
    spot: undefined,
  };
  spliceFile(output, root, []);
  const { chunks, map, written, included, skipped, stages } = output;
  const bytes = Buffer.concat(chunks);
  return { bytes, map, written, included, skipped, warnings: stages.diagnostics };
}

function spliceFile(output: Output, file: SourceFile, via: readonly Origin[]): void {
  const { head, instructions, lines } = file.parsed;
  const isRoot = via.length === 0;
  // The directives of a fragment are dropped: in the middle of a file they would be comments, at its top they would rule.
  let from = isRoot ? 0 : head.end;
  let line = isRoot ? 1 : head.lines + 1;
  for (const instruction of instructions) {
    const include = file.includes.get(instruction);
    if (include) {
      append(
        output,
        file,
        { from, to: instruction.start, line, until: instruction.startLine },
        via,
      );
      spliceInclude(output, file, include, via);
      from = instruction.end;
      line = instruction.endLine + 1;
    } else output.stages.see(file, instruction, via);
  }
  append(output, file, { from, to: file.bytes.length, line, until: lines + 1 }, via);
}

function spliceInclude(
  output: Output,
  file: SourceFile,
  include: Include,
  via: readonly Origin[],
): void {
  const { target, statement, instruction } = include;
  if (!target) throw new TypeError(`${file.id}:${instruction.startLine} was not loaded`);
  const at = { file: file.id, line: instruction.startLine };
  const chain = [...via, at];
  output.spot = spotOf(file, statement.span, via);
  refuseCycle(target.id, chain, output.spot);
  if (chain.length > output.limits.depth) {
    throw includeError(depthProblem(output.limits), output.spot);
  }
  const { id: name, sha256 } = target;
  const found = { source: statement.source, file: name, sha256, ...include.record, at };
  const isOnce = statement.once || target.once;
  if (isOnce && output.stageOf.get(target) === output.stages.count) {
    output.skipped.push(found);
    return;
  }
  if (output.included.length >= output.limits.includes) {
    throw includeError(countProblem(output.limits), output.spot);
  }
  output.included.push(found);
  spliceFile(output, target, chain);
  // Behind it, for a file that starts a stage is part of the one that it leaves open.
  output.stageOf.set(target, output.stages.count);
  const isLastLine = file.bytes[instruction.end - 1] !== LINE_FEED;
  if (!output.endsLine && !isLastLine) push(output, NEWLINE);
}

/** Adds the bytes [from, to) of a file, its lines `line` to `until`, the last not included. */
function append(
  output: Output,
  file: SourceFile,
  part: { from: number; to: number; line: number; until: number },
  via: readonly Origin[],
): void {
  if (part.from >= part.to) return;
  const run = { file: file.id, line: part.line, count: part.until - part.line, via };
  // Neither what an INCLUDE at the top brings nor, where it comes to nothing, the comment below it may be a directive.
  const isOwn = via.length === 0 && part.from === 0;
  const text = file.parsed.text.slice(isOwn ? file.parsed.head.end : part.from, part.to);
  const { found, ...top } = readTop(text, output.top);
  const isBarred = found && !isOwn;
  if (isBarred) {
    push(output, COMMENT);
    addRun(output, { ...run, count: 1 });
  }
  output.top = isBarred ? BELOW_COMMENT : top;
  push(output, file.bytes.subarray(part.from, part.to));
  for (const { line, text: written } of file.written) {
    if (line < part.line || line >= part.until) continue;
    output.written.push({ line: output.lines + 1 + line - part.line, text: written });
  }
  addRun(output, run);
  // A byte order mark alone is no line that an end could be added to.
  output.endsLine ||= run.count === 0;
}

function push(output: Output, bytes: Buffer): void {
  output.size += bytes.length;
  if (output.size > output.limits.totalSize && output.spot) {
    throw includeError(totalSizeProblem(output.limits), output.spot);
  }
  output.chunks.push(bytes);
  output.endsLine = bytes[bytes.length - 1] === LINE_FEED;
}

/** Adds a run of lines, as one with the last run where it goes on there. */
function addRun(output: Output, run: TracedRun): void {
  const { map } = output;
  if (run.count === 0) return;
  output.lines += run.count;
  const last = map.at(-1);
  const goesOn =
    last?.file === run.file && last.via === run.via && last.line + last.count === run.line;
  if (last && goesOn) last.count += run.count;
  else map.push(run);
}
