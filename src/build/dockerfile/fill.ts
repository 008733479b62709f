/** Puts the values of inputs in the place of `$[[ NAME ]]`, once each, without moving any line. */

import { toUtf8 } from './bytes.ts';
import { includeError, type Problem, type Spot } from './diagnostic.ts';
import { declarationsOf, type Input, type Values } from './inputs.ts';
import { type ParsedDockerfile, parseDockerfile } from './instructions.ts';
import { type Limits, totalSizeProblem } from './limits.ts';
import type { Origin } from './source-map.ts';
import type { Edit } from './spots.ts';

export interface Filling {
  id: string;
  parsed: ParsedDockerfile;
  inputs: ReadonlyMap<string, Input>;
  values: Values;
  limits: Limits;
  /** The INCLUDE lines that led to the file. */
  via: readonly Origin[];
}

export interface Filled {
  bytes: Buffer;
  parsed: ParsedDockerfile;
  edits: Edit[];
}

/** A `$[[ NAME ]]` of the text. */
interface Use {
  name: string;
  from: number;
  to: number;
}

const OPEN = '$[[';
const CLOSE = ']]';
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
// More of a value, or of what is no name, is not repeated in a message.
const MAX_SHOWN = 100;
// More inputs in one instruction are not told apart when its end moves.
const MAX_SUSPECTS = 8;

/**
 * The file with its values; undefined where it uses none. Throws IncludeError for a use that names no input, and for a
 * value by which another instruction would begin or end elsewhere.
 */
export function fillInputs(filling: Filling): Filled | undefined {
  const { parsed, inputs, values } = filling;
  if (inputs.size === 0 || !parsed.text.includes(OPEN, parsed.head.end)) return undefined;
  const uses = findUses(filling);
  const filled = fill(filling, uses);
  const moved = firstMoved(parsed, filled.parsed);
  if (moved === undefined) return filled;
  const name = suspectOf(filling, uses, moved);
  const value = values.get(name);
  const keyword = parsed.instructions[moved]?.keyword ?? '';
  const line = parsed.instructions[moved]?.startLine ?? 1;
  const problem = {
    code: 'E_PARAM_VALUE',
    message: `with ${name}=${toUtf8(value?.text ?? '').slice(0, MAX_SHOWN)} line ${line} of ${filling.id} (${toUtf8(keyword)}) would be another instruction or end elsewhere`,
    hint: `A value stays within its instruction. ${declarationsOf(filling)}`,
  };
  throw includeError(problem, value?.spot() ?? spotOfUse(filling, { from: 0, to: 1 }));
}

/** Directives are not scanned: they rule over how the file is read. */
function findUses(filling: Filling): Use[] {
  const { text, head } = filling.parsed;
  const uses: Use[] = [];
  for (let from = text.indexOf(OPEN, head.end); from !== -1; ) {
    const close = text.indexOf(CLOSE, from + OPEN.length);
    const to = close === -1 ? text.length : close + CLOSE.length;
    const content = text.slice(from + OPEN.length, close === -1 ? undefined : close);
    const isOpen = close === -1 || content.includes('\n');
    const name = content.trim();
    if (isOpen || !NAME.test(name) || !filling.inputs.has(name)) {
      const problem = isOpen ? UNCLOSED : undeclared(filling, toUtf8(name));
      throw includeError(problem, spotOfUse(filling, { from, to }));
    }
    uses.push({ name, from, to });
    from = text.indexOf(OPEN, to);
  }
  return uses;
}

const UNCLOSED: Problem = {
  code: 'E_SYNTAX',
  message: '$[[ is not closed on its line',
  hint: 'Write $[[ NAME ]] for the value of an input.',
};

function undeclared(filling: Filling, name: string): Problem {
  return {
    code: 'E_INPUT_UNDECLARED',
    message: `the file declares no input ${name.slice(0, MAX_SHOWN)}`,
    hint: `${declarationsOf(filling)} Add a line # ekiden: input NAME above the first instruction.`,
  };
}

/** The file with the values of the given uses; other uses stay. */
function fill({ parsed, values, limits, ...filling }: Filling, uses: readonly Use[]): Filled {
  const { text } = parsed;
  const parts: string[] = [];
  const edits: Edit[] = [];
  let end = 0;
  let at = 0;
  for (const use of uses) {
    const value = values.get(use.name)?.text ?? '';
    parts.push(text.slice(end, use.from), value);
    at += use.from - end;
    edits.push({ at, length: value.length, from: use.from, to: use.to });
    at += value.length;
    end = use.to;
    if (at > limits.totalSize) {
      throw includeError(totalSizeProblem(limits), spotOfUse({ parsed, ...filling }, use));
    }
  }
  parts.push(text.slice(end));
  const bytes = Buffer.from(parts.join(''), 'latin1');
  return { bytes, parsed: parseDockerfile(bytes, parsed.escape), edits };
}

/** Index of the first instruction whose keyword or lines are other ones, also where it is gone or new. */
function firstMoved(before: ParsedDockerfile, after: ParsedDockerfile): number | undefined {
  const isSameHead = before.head.lines === after.head.lines && before.escape === after.escape;
  if (!isSameHead) return 0;
  const count = Math.max(before.instructions.length, after.instructions.length);
  for (let index = 0; index < count; index++) {
    const [a, b] = [before.instructions[index], after.instructions[index]];
    const isSame =
      a?.keyword === b?.keyword && a?.startLine === b?.startLine && a?.endLine === b?.endLine;
    if (!isSame) return index;
  }
  const isAsFinished = before.unfinished?.kind === after.unfinished?.kind;
  return isAsFinished ? undefined : count - 1;
}

/** The input that moves the instruction: of those within it the first that does so alone. */
function suspectOf(filling: Filling, uses: readonly Use[], moved: number): string {
  const { start, end } = filling.parsed.instructions[moved] ?? { start: 0, end: 0 };
  const within = uses.filter(({ from }) => from >= start && from < end);
  const names = [...new Set((within.length > 0 ? within : uses).map(({ name }) => name))];
  const suspects = names.slice(0, MAX_SUSPECTS);
  const movesAlone = (name: string) => {
    const own = uses.filter((use) => use.name === name);
    return firstMoved(filling.parsed, fill(filling, own).parsed) !== undefined;
  };
  return (suspects.length > 1 ? suspects.find(movesAlone) : undefined) ?? names[0] ?? '';
}

function spotOfUse(
  { id, parsed, via }: Pick<Filling, 'id' | 'parsed' | 'via'>,
  { from, to }: Pick<Use, 'from' | 'to'>,
): Spot {
  const line = parsed.text.slice(0, from).split('\n').length;
  return { file: id, text: parsed.text, line, from, to, via };
}
