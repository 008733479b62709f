/** What can be told of a build that failed while Docker worked on it. */
import type { ExpandedDockerfile } from '../../core/build.ts';
import { InputError, RemoteError } from '../../core/errors.ts';

/** What the Dockerfile asks for did not work, in the developer's terms. */
export class StepError extends InputError {
  /** First line of the instruction in the expanded file; undefined where none is to blame. */
  readonly line: number | undefined;

  constructor(
    message: string,
    details: { code?: string; line?: number | undefined; hint?: string | undefined } = {},
  ) {
    const { code = 'E_BUILD_STEP', line, hint } = details;
    super(message, { code, ...(hint === undefined ? {} : { hint }) });
    this.line = line;
  }
}

/** What an instruction needs is not to be had now, and may be later. */
export class StepRemoteError extends RemoteError {
  /** Like that of a StepError. */
  readonly line: number | undefined;

  constructor(
    message: string,
    { line, ...details }: { code: string; line: number | undefined; hint: string },
  ) {
    super(message, details);
    this.line = line;
  }
}

/** First line of the instruction that an error is about; undefined where it is about none. */
export function lineOf(error: unknown): number | undefined {
  const hasLine = error instanceof StepError || error instanceof StepRemoteError;
  return hasLine ? error.line : undefined;
}

/** What was going on when a builder gave up. */
export interface Situation {
  dockerfile: ExpandedDockerfile;
  /** First line of the instruction at work in the expanded file. */
  line?: number | undefined;
  /** The base image that was asked for. */
  image?: string | undefined;
  /** The URL of an ADD that could not be fetched. */
  url?: string | undefined;
  /** End of what the step printed. */
  lastWords: string;
}

/** True where Docker, or a command, says that there is no room. */
export function isDiskFull(text: string): boolean {
  return /no space left on device|disk quota exceeded/i.test(text);
}

export function diskIsFull(message: string, line: number | undefined): RemoteError {
  return new StepRemoteError(`The disk of the Docker host is full: ${message}`, {
    code: 'E_DISK_FULL',
    line,
    hint: 'Free room on the Docker host, by ekiden clean or docker builder prune, and build again.',
  });
}

/** Something needs BuildKit where the classic builder builds. */
export function needsBuildKit(what: string, line?: number): StepError {
  return new StepError(`${what} needs BuildKit, and this Docker host builds without it.`, {
    code: 'E_BUILDER',
    line,
    hint: 'Use a Docker daemon with BuildKit, and EKIDEN_BUILDER=auto or buildkit.',
  });
}
