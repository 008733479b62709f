/** Warns of a heredoc that the Docker at hand would take for instructions. */

import type { SourceRun } from '../../core/build.ts';
import { type Diagnostic, describe } from './diagnostic.ts';
import { joinLines, type ParsedDockerfile, parseDockerfile } from './instructions.ts';
import { spanOf, spotInOutput } from './spots.ts';

const SIGN = '<<';
const PROBLEM = {
  code: 'W_HEREDOC_20_10',
  message: 'this Docker knows no heredocs and will take the lines of this one for instructions',
  hint: 'Put # syntax=docker/dockerfile:1.4 at the top of the Dockerfile, or write the commands with && and \\.',
};

/** About the first heredoc of an expanded Dockerfile without a `# syntax=` of its own; the others are not told. */
export function heredocWarnings({
  bytes,
  map,
}: {
  bytes: Buffer;
  map: readonly SourceRun[];
}): Diagnostic[] {
  if (!bytes.includes(SIGN)) return [];
  const parsed = parseDockerfile(bytes);
  if (parsed.head.directives.some(({ name }) => name === 'syntax')) return [];
  const span = firstHeredoc(parsed);
  const spot = span && spotInOutput(parsed.text, map, span);
  return spot ? [describe('warning', PROBLEM, spot)] : [];
}

function firstHeredoc(parsed: ParsedDockerfile) {
  const { text, instructions, unfinished } = parsed;
  // What does not end is none: BuildKit also takes $((1 << 2)) for the start of one.
  const ended = unfinished?.kind === 'heredoc' ? instructions.slice(0, -1) : instructions;
  const instruction = ended.find(({ textEnd, end }) => end > textEnd);
  if (!instruction) return undefined;
  const line = joinLines(text, instruction, parsed.escape);
  const at = line.text.indexOf(SIGN);
  const end = /^\S*/.exec(line.text.slice(at))?.[0].length ?? SIGN.length;
  return spanOf(line, { from: at, to: at + end });
}
