/** Says what Docker's words mean when a build fails: whose fault it is, and whether to try again. */
import type { ExpandedDockerfile } from '../../core/build.ts';
import { type EkidenError, RemoteError } from '../../core/errors.ts';
import { parseDockerfile } from '../dockerfile/index.ts';
import { addFailure } from './add-failure.ts';
import { baseImageFailure } from './base-image-failure.ts';
import { commandFailure } from './command-failure.ts';
import { instructionMistake } from './instruction-mistake.ts';
import { diskIsFull, isDiskFull, needsBuildKit, type Situation, StepError } from './step-error.ts';

/** Both builders put the way that an error took in front of it. */
const detours =
  /^(\(HTTP code \d+\) [^-]*- |failed to solve( with frontend [\w.]+)?: |failed to create LLB definition: |failed to parse Dockerfile: |failed to build LLB: |rpc error: code = \w+ desc = |failed to (compute|load) cache key: |failed to calculate checksum of ref \S+: )+/;

/** The command that could not even begin stands in front of the reason, and may be very long. */
const ofCommand =
  /^(?:executor failed running \[.*\]|process ".*" did not complete successfully): /s;

/** What the words of a failing builder mean; `otherwise` where they are none that are known. */
export function failureOf(
  words: string,
  situation: Situation,
  otherwise: (message: string) => EkidenError = (message) => new StepError(message, situation),
): EkidenError {
  const said = shorten(words);
  const whole = said.replace(detours, '').trim();
  const message = whole.replace(ofCommand, '');
  return (
    // First, since what a command holds may look like any other failure.
    commandFailure(whole, situation) ??
    syntaxImageFailure(said, situation) ??
    addFailure(message, situation) ??
    instructionMistake(message, situation) ??
    dockerfileFailure(message, situation) ??
    hostFailure(message, situation) ??
    stepFailure(message, situation) ??
    baseImageFailure(message, situation) ??
    otherwise(message)
  );
}

const wordsAtAnEnd = 2_000;

/** Docker repeats commands, which may have a megabyte; why it failed stands at one of the ends. */
function shorten(words: string): string {
  if (words.length <= 2 * wordsAtAnEnd) return words;
  return `${words.slice(0, wordsAtAnEnd)} … ${words.slice(-wordsAtAnEnd)}`;
}

/** The image of `# syntax=` itself; what that says of the Dockerfile comes as an error of a call. */
const noFrontend = /frontend gateway\.v0: (?!rpc error: )/;

/** The image that a newer BuildKit could not resolve. */
const sourceIn = /source metadata for (?:docker\.io\/(?:library\/)?)?(\S+): /;

/** The image that `# syntax=` names is pulled before anything else. */
function syntaxImageFailure(words: string, { dockerfile }: Situation): EkidenError | undefined {
  const { syntax } = parseDockerfile(dockerfile.bytes).head;
  const image = syntax?.value.split(' ')[0] ?? '';
  const isMeant = noFrontend.test(words) || sourceIn.exec(words)?.[1] === image;
  if (!syntax || !isMeant) return undefined;
  const why = words.replace(/^.*?(?=dial tcp|unexpected status|[^ :]*: not found|denied)/s, '');
  return new StepError(`${image}, which # syntax= names, cannot be pulled: ${why}`, {
    code: 'E_SYNTAX_IMAGE',
    line: syntax.line,
    hint: 'Leave the line out, or name a copy of the image in a registry that the Docker host reaches.',
  });
}

const parseError = /dockerfile parse error (?:on )?line (\d+): (.*)/s;
const lineTooLong = /^dockerfile line greater than max allowed size of (\d+)/;
const noTarget =
  /^target stage "?(.+?)"? could not be found|^failed to reach build target (.+) in Dock/;
const noDockerfile =
  /^(file with no instructions|the Dockerfile .*cannot be empty|no build stage in current|base name .*blank|Cannot locate specified Dockerfile|.*invalid reference format)/i;

/** Docker cannot read the file, or what is asked of it is not in there. */
function dockerfileFailure(message: string, situation: Situation): EkidenError | undefined {
  const [, number, complaint = ''] = parseError.exec(message) ?? [];
  if (number !== undefined) return unreadable(Number(number), complaint, situation.dockerfile);
  const size = lineTooLong.exec(message)?.[1];
  if (size !== undefined) {
    return new StepError(message, {
      ...{ code: 'E_DOCKERFILE', line: longerLine(situation.dockerfile.bytes, Number(size)) },
      hint: 'Break the line with a backslash at its end, or put what it holds into a file and COPY that.',
    });
  }
  const [, ofBuildKit, target = ofBuildKit] = noTarget.exec(message) ?? [];
  if (target !== undefined) {
    return new StepError(`The Dockerfile has no stage named ${target}.`, {
      code: 'E_DOCKERFILE',
      hint: 'build.target of the manifest names one of its FROM … AS NAME.',
    });
  }
  if (!noDockerfile.test(message)) return undefined;
  return new StepError(message, { code: 'E_DOCKERFILE', line: situation.line });
}

/** The first line of more bytes, from 1; Docker counts comments as well. */
function longerLine(bytes: Buffer, most: number): number | undefined {
  const index = bytes
    .toString('latin1')
    .split('\n')
    .findIndex(({ length }) => length > most);
  return index === -1 ? undefined : index + 1;
}

/** A builder that knows no heredocs takes their text for instructions. */
function unreadable(line: number, complaint: string, { bytes }: ExpandedDockerfile): StepError {
  const { instructions } = parseDockerfile(bytes);
  const around = instructions.find(
    ({ startLine, endLine, end, textEnd }) => end > textEnd && startLine < line && line <= endLine,
  );
  if (!around) return new StepError(complaint, { code: 'E_DOCKERFILE', line });
  return new StepError(`This Docker host does not know heredocs (${around.keyword} <<).`, {
    code: 'E_DOCKERFILE',
    line: around.startLine,
    hint: 'Write the commands with && instead, or use Docker 23 or newer on the build host.',
  });
}

const sessionLost = /no active session|session .*(closed|not found)|transport is closing/i;

/** The machine that builds is not well. */
function hostFailure(message: string, { line }: Situation): EkidenError | undefined {
  if (isDiskFull(message)) return diskIsFull(message, line);
  if (!sessionLost.test(message)) return undefined;
  return new RemoteError(`The connection to Docker broke off: ${message}`, { code: 'E_DOCKER' });
}

const noSecret = /^(?:failed to solve: )?secret (\S+?):? not found/;
const noFile =
  /^"\/?(.+?)":? not found|^(?:COPY|ADD) failed: .*stat (.+): (?:file does not exist|no such file)/;
const wantsBuildKit = /^the --(\w+) option requires BuildKit/;

/** An instruction asks for something that is not there. */
function stepFailure(message: string, { line, dockerfile }: Situation): EkidenError | undefined {
  const secret = noSecret.exec(message)?.[1];
  if (secret !== undefined) {
    return new StepError(`The secret ${secret} is not named in build.secrets of the manifest.`, {
      code: 'E_BUILD_SECRET',
      line,
      hint: `Write build: { secrets: { ${secret}: NAME_OF_A_CI_CD_VARIABLE } } in .ekiden.yml.`,
    });
  }
  const option = wantsBuildKit.exec(message)?.[1];
  if (option !== undefined) return needsBuildKit(`--${option}`, line);
  const [, ofBuildKit, file = ofBuildKit] = noFile.exec(message) ?? [];
  if (file === undefined) return undefined;
  const isFrom = /--from=/.test(textAt(dockerfile.bytes, line));
  const where = isFrom
    ? 'is not where --from says'
    : 'is not in the build context, or .dockerignore leaves it out';
  return new StepError(`${file} ${where}.`, { line });
}

function textAt(bytes: Buffer, line: number | undefined): string {
  const { instructions } = parseDockerfile(bytes);
  const found = instructions.find(({ startLine }) => startLine === line);
  return found ? bytes.toString('utf8', found.start, found.textEnd) : '';
}
