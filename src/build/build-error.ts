/** Says in the developer's terms why a build failed, pointing at the line that people wrote. */
import type { ExpandedDockerfile } from '../core/build.ts';
import { EkidenError } from '../core/errors.ts';
import { originOf, renderOrigin, splitInstructions } from './dockerfile/index.ts';

export interface FailureContext {
  dockerfile: ExpandedDockerfile | undefined;
  /** The end of the build's log. */
  log: string;
}

/** One sentence, with `file:line` where Docker's words tell the place. */
export function explainFailure(error: unknown, { dockerfile, log }: FailureContext): string {
  if (!(error instanceof EkidenError)) return 'Ekiden failed inside; its own log tells more';
  const where = dockerfile && placeOf(error.message, dockerfile, log);
  return where ? `${where}: ${error.message}` : error.message;
}

/** Where people wrote what Docker refused, such as `Dockerfile:2 → template:node@20.0.0:7`. */
function placeOf(message: string, { bytes, map }: ExpandedDockerfile, log: string) {
  const line = /parse error line (\d+)/i.exec(message)?.[1];
  if (line !== undefined) return originText(map, Number(line));
  // The classic builder says "Step i/n", counting instructions of the expanded file.
  const step = [...log.matchAll(/^Step (\d+)\/\d+ : /gm)].at(-1)?.[1];
  if (step === undefined) return undefined;
  const instruction = splitInstructions(bytes)[Number(step) - 1];
  return instruction && originText(map, instruction.startLine);
}

function originText(map: ExpandedDockerfile['map'], line: number): string | undefined {
  const origin = originOf(map, line);
  return origin && renderOrigin(origin);
}
