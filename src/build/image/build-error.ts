/** Says in the developer's terms why a build failed, pointing at the line that people wrote. */
import type { ExpandedDockerfile } from '../../core/build.ts';
import { EkidenError } from '../../core/errors.ts';
import { originOf, renderOrigin, splitInstructions } from '../dockerfile/index.ts';
import { StepError } from './progress.ts';

/** GitLab shows 255 characters in all; a long command must not push out how it ended. */
const commandLimit = 100;

/** One sentence, with `file:line` where Docker's words tell the place. */
export function explainFailure(error: unknown, dockerfile: ExpandedDockerfile | undefined): string {
  if (!(error instanceof EkidenError)) return 'Ekiden failed inside; its own log tells more';
  const where = dockerfile && placeOf(error, dockerfile);
  if (where === undefined) return shorten(error.message);
  // Docker counts the lines of the expanded file, which nobody wrote.
  return `${where}: ${shorten(error.message.replace(parseError, ''))}`;
}

const parseError = /^dockerfile parse error line (\d+): /i;

/** Where people wrote what Docker refused, such as `Dockerfile:2 → template:node@20.0.0:7`. */
function placeOf(error: EkidenError, { bytes, map }: ExpandedDockerfile): string | undefined {
  const line = parseError.exec(error.message)?.[1];
  if (line !== undefined) return originText(map, Number(line));
  if (!(error instanceof StepError) || error.step === undefined) return undefined;
  const instruction = splitInstructions(bytes)[error.step - 1];
  return instruction && originText(map, instruction.startLine);
}

function originText(map: ExpandedDockerfile['map'], line: number): string | undefined {
  const origin = originOf(map, line);
  return origin && renderOrigin(origin);
}

function shorten(message: string): string {
  return message.replace(/(?<=^The command ').*(?=' returned a non-zero code: \d+$)/s, (command) =>
    command.length <= commandLimit ? command : `${command.slice(0, commandLimit)}…`,
  );
}
