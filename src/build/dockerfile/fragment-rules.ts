/** What an included file must be: text, whole instructions, and no directives of its own. */

import type { Problem } from './diagnostic.ts';
import type { ParsedDockerfile } from './instructions.ts';
import { fileSizeProblem, type Limits } from './limits.ts';

const LFS_POINTER = 'version https://git-lfs.github.com/spec/v1';
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is counted.
const CONTROLS = /[\x01-\x08\x0e-\x1f\x7f]+/g;
// More control characters than this are no text that a person wrote.
const MAX_CONTROL_SHARE = 0.3;

/** What forbids the file as a whole. */
export function wholeFileProblem(
  { id, bytes }: { id: string; bytes: Buffer },
  limits: Limits,
): Problem | undefined {
  if (bytes.length > limits.fileSize) return fileSizeProblem(limits, id, bytes.length);
  if (bytes.subarray(0, LFS_POINTER.length).toString('latin1') === LFS_POINTER) {
    return {
      code: 'E_LFS',
      message: `${id} is kept in Git LFS, so the repository holds only a pointer to it`,
      hint: 'Take the file out of LFS (git lfs untrack) and commit it.',
    };
  }
  if (!isBinary(bytes)) return undefined;
  return {
    code: 'E_BINARY',
    message: `${id} is no text`,
    hint: 'Use COPY to put files into an image.',
  };
}

function isBinary(bytes: Buffer): boolean {
  if (bytes.includes(0)) return true;
  const controls = bytes.toString('latin1').match(CONTROLS) ?? [];
  const count = controls.reduce((sum, run) => sum + run.length, 0);
  return count > bytes.length * MAX_CONTROL_SHARE;
}

/** Something about one line of a fragment. */
export interface LineProblem {
  severity: 'error' | 'warning';
  problem: Problem;
  line: number;
}

/** What is wrong or odd with the lines of a fragment that is spliced into `root`. */
export function lineProblems(parsed: ParsedDockerfile, root: ParsedDockerfile): LineProblem[] {
  return [...directiveProblems(parsed, root), ...unfinishedProblem(parsed)];
}

function directiveProblems(parsed: ParsedDockerfile, root: ParsedDockerfile): LineProblem[] {
  const rootSyntax = root.head.syntax?.value;
  const found: LineProblem[] = [];
  for (const { name, value, line } of parsed.head.directives) {
    if (name === 'escape' && value !== String.fromCharCode(root.escape)) {
      const message = `the fragment is written for escape=${value}, the Dockerfile is not`;
      const hint = 'Give both the same # escape= line.';
      found.push({
        severity: 'error',
        problem: { code: 'E_ESCAPE_MISMATCH', message, hint },
        line,
      });
    }
    // One is told of, as Docker takes one only.
    const isFirst = found.every(({ severity }) => severity === 'error');
    if (name === 'syntax' && value !== rootSyntax && isFirst) {
      const message = `syntax=${value} of an included file has no effect`;
      const hint = 'Put the # syntax= line at the top of the Dockerfile.';
      found.push({
        severity: 'warning',
        problem: { code: 'W_SYNTAX_IGNORED', message, hint },
        line,
      });
    }
  }
  return found;
}

function unfinishedProblem({ unfinished }: ParsedDockerfile): LineProblem[] {
  if (!unfinished) return [];
  const isHeredoc = unfinished.kind === 'heredoc';
  const problem = {
    code: 'E_UNTERMINATED',
    message: isHeredoc
      ? `the heredoc that ends with ${unfinished.terminator} does not end in this file`
      : 'the last instruction goes on, but the file ends',
    hint: isHeredoc
      ? `Put ${unfinished.terminator} alone on the line below the heredoc.`
      : 'Remove the escape at the end of the line: a fragment holds whole instructions.',
  };
  return [{ severity: 'error', problem, line: unfinished.line }];
}
