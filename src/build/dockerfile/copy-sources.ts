/** Tells which files a fragment copies that the build context does not have. */

import { posix } from 'node:path';
import type { SourceRun } from '../../core/build.ts';
import { toUtf8 } from './bytes.ts';
import { type Diagnostic, describe } from './diagnostic.ts';
import { type Instruction, joinLines, type LogicalLine, parseDockerfile } from './instructions.ts';
import { MAX_WARNINGS } from './limits.ts';
import { originOf } from './source-map.ts';
import { type Span, spanOf, spotInOutput } from './spots.ts';

/** A word of COPY or ADD, in bytes. */
interface Source {
  path: string;
  /** Indices into the logical line. */
  from: number;
  to: number;
}

// Docker's blanks: alone, the last byte of an à would be one of Unicode.
const FLAGS = /^(?:[\t\v\f\r ]+--[^\t\v\f\r ]+)*[\t\v\f\r ]*/;
const WORD = /[^\t\v\f\r ]+/g;
// Wildcards, variables, quotes, escapes, heredocs and addresses are for Docker to understand.
const UNCLEAR = /[*?[\]$"'\\`<]|^[a-z][a-z0-9+.-]*:\/\/|^git@/i;

/**
 * A warning for each plainly written source of COPY and ADD in an included file that the context lacks; the Dockerfile's
 * own lines are Docker's to judge. `has` is asked with a path from the context's root, without slashes around it, and
 * answers whether a file or folder is there.
 */
export function missingCopySources(
  { bytes, map }: { bytes: Buffer; map: readonly SourceRun[] },
  has: (path: string) => boolean,
): Diagnostic[] {
  if (!map.some(({ via }) => via?.length)) return [];
  const { text, escape: byte, instructions } = parseDockerfile(bytes);
  const warnings: Diagnostic[] = [];
  for (const instruction of instructions.filter(isCopy)) {
    if (!originOf(map, instruction.startLine)?.via.length) continue;
    const line = joinLines(text, instruction, byte);
    for (const source of sourcesOf(line, instruction)) {
      const path = posix.join('/', source.path).replace(/\/$/, '').slice(1);
      if (path === '' || has(path)) continue;
      const warning = warningAt(text, map, { path, span: spanOf(line, source) });
      if (warning) warnings.push(warning);
      if (warnings.length === MAX_WARNINGS) return warnings;
    }
  }
  return warnings;
}

function isCopy({ keyword }: Instruction): boolean {
  return keyword === 'COPY' || keyword === 'ADD';
}

/** Those of the context that are plainly written. */
function sourcesOf({ text }: LogicalLine, { keyword }: Instruction): Source[] {
  const rest = text.slice(keyword.length);
  const flags = FLAGS.exec(rest)?.[0] ?? '';
  if (/--from\b/.test(flags)) return [];
  const start = keyword.length + flags.length;
  const said = rest.slice(flags.length);
  const words = listOf(said, start) ?? wordsOf(said, start);
  return words.slice(0, -1).filter(({ path }) => !UNCLEAR.test(path));
}

function wordsOf(text: string, start: number): Source[] {
  return [...text.matchAll(WORD)].map(({ 0: word, index }) => ({
    path: toUtf8(word),
    from: start + index,
    to: start + index + word.length,
  }));
}

/** The JSON form, whose words are not told apart by place. */
function listOf(text: string, from: number): Source[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const list: unknown = JSON.parse(toUtf8(text));
    const isList = Array.isArray(list) && list.every((word) => typeof word === 'string');
    return isList
      ? list.map((path: string) => ({ path, from, to: from + text.length }))
      : undefined;
  } catch {
    return undefined;
  }
}

function warningAt(
  text: string,
  map: readonly SourceRun[],
  { path, span }: { path: string; span: Span },
): Diagnostic | undefined {
  const spot = spotInOutput(text, map, span);
  const problem = {
    code: 'W_COPY_SOURCE',
    message: `${path} is not in the build context`,
    hint: 'COPY in a fragment reads from the context of the build that includes it (build.context, less what .dockerignore leaves out).',
  };
  return spot && describe('warning', problem, spot);
}
