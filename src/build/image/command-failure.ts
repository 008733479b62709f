/** Says what became of a command that a RUN ran, in the same words for both builders. */
import type { EkidenError } from '../../core/errors.ts';
import { diskIsFull, isDiskFull, type Situation, StepError } from './step-error.ts';

/** The classic builder, BuildKit of Docker 20.10, and newer ones. */
const endings = [
  /^The command '(.*)' returned a non-zero code: (\d+)/s,
  /^executor failed running \[(.*)\]: exit code: (\d+)/s,
  /^process "(.*)" did not complete successfully: exit code: (\d+)/s,
];

/** What a kernel out of memory, or a limit of memory, ends commands with: SIGKILL. */
const killed = 137;

/** The last that BuildKit prints of a command whose program is not in the image. */
const notBegun =
  /(?:unable to start container process|starting container process caused): ([^\n]+)\n?$/;

/** Undefined where no command ended badly. */
export function commandFailure(message: string, situation: Situation): EkidenError | undefined {
  const [, command = '', code] = endings.map((each) => each.exec(message)).find(Boolean) ?? [];
  if (code === undefined) return undefined;
  const { line, lastWords } = situation;
  const ended = `The command '${command}' returned a non-zero code: ${code}`;
  if (isDiskFull(lastWords)) return diskIsFull(ended, line);
  if (/exec format error/.test(lastWords)) return wrongProcessor(ended, line);
  const why = notBegun.exec(lastWords)?.[1];
  if (why !== undefined) return new StepError(`${ended} (${why})`, { line });
  if (Number(code) !== killed) return new StepError(ended, { line });
  return new StepError(`${ended} (it was killed)`, {
    line,
    hint: 'It may have needed more memory than the build host has or EKIDEN_BUILD_MEMORY allows.',
  });
}

function wrongProcessor(ended: string, line: number | undefined): StepError {
  return new StepError(`${ended} (its image is for another processor)`, {
    code: 'E_PLATFORM',
    line,
    hint: 'Build for the platform of the build host, or install emulation (binfmt) there.',
  });
}
