/** Says in the developer's terms why a build failed, pointing at the line that people wrote. */
import type { ExpandedDockerfile } from '../../core/build.ts';
import { EkidenError } from '../../core/errors.ts';
import { originOf, renderOrigin } from '../dockerfile/index.ts';
import { lineOf } from './step-error.ts';

/** GitLab shows 255 characters in all; a long command must not push out how it ended. */
const commandLimit = 100;

/** One sentence, with `file:line` where the error has a place. */
export function explainFailure(error: unknown, dockerfile: ExpandedDockerfile | undefined): string {
  if (!(error instanceof EkidenError)) return 'Ekiden failed inside; its own log tells more';
  const reason = shorten(error.message);
  const origin = dockerfile && originOfError(error, dockerfile);
  return origin ? `${renderOrigin(origin)}: ${reason}` : reason;
}

/** What the log shows beneath it: the lines around the place, and what to do. Empty where there is neither. */
export function detailsOfFailure(
  error: unknown,
  dockerfile: ExpandedDockerfile | undefined,
): string {
  if (!(error instanceof EkidenError)) return '';
  const excerpt = dockerfile ? excerptOf(error, dockerfile) : [];
  const hint = error.hint === undefined ? [] : [`hint: ${error.hint}`];
  return [...excerpt, ...hint].map((line) => `${line}\n`).join('');
}

function originOfError(error: EkidenError, { map }: ExpandedDockerfile) {
  const line = lineOf(error);
  return line === undefined ? undefined : originOf(map, line);
}

const linesAround = 2;

/** The line that is to blame and those around it, as far as they stand together in one file. */
function excerptOf(error: EkidenError, dockerfile: ExpandedDockerfile): string[] {
  const { map } = dockerfile;
  const line = lineOf(error);
  const origin = line === undefined ? undefined : originOf(map, line);
  if (line === undefined || !origin) return [];
  const lines = linesAsWritten(dockerfile);
  const excerpt: string[] = [];
  for (let near = line - linesAround; near <= line + linesAround; near++) {
    const place = originOf(map, near);
    const isSame = place?.file === origin.file && place.line - origin.line === near - line;
    if (!isSame) continue;
    const mark = near === line ? '>' : ' ';
    excerpt.push(`${mark} ${String(place.line).padStart(4)} | ${cut(lines[near - 1] ?? '')}`);
  }
  return excerpt;
}

function linesAsWritten({ bytes, written = [] }: ExpandedDockerfile): string[] {
  const lines = bytes.toString().split('\n');
  for (const { line, text } of written) lines[line - 1] = text;
  return lines;
}

const excerptWidth = 160;

function cut(written: string): string {
  const line = written.replace(/\r$/, '');
  return line.length <= excerptWidth ? line : `${line.slice(0, excerptWidth - 1)}…`;
}

function shorten(message: string): string {
  return message.replace(/(?<=^The command ').*(?=' returned a non-zero code: \d+)/s, (command) =>
    command.length <= commandLimit ? command : `${command.slice(0, commandLimit)}…`,
  );
}
