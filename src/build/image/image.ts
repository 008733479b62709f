/** Makes images with a Docker daemon. */
import { sendBuild } from '../../clients/docker.ts';
import type { ExpandedDockerfile } from '../../core/build.ts';
import { EkidenError, messageOf, RemoteError } from '../../core/errors.ts';
import { brokenArchive } from '../context/context.ts';
import { failureOf } from './build-failure.ts';
import { type BuildImageOptions, toQuery } from './build-query.ts';
import { chooseBuilder } from './builder-choice.ts';
import { createBuildKitSteps } from './buildkit-steps.ts';
import { createClassicSteps } from './classic-steps.ts';
import { refuseOtherPlatform } from './made-image.ts';
import { failureIn, imageIn, type ProgressMessage, readProgress } from './progress.ts';
import { encodeLogins } from './registry-login.ts';
import { openSession } from './session.ts';
import { readUntilSilent } from './silence.ts';
import { needsBuildKit, StepError } from './step-error.ts';
import { createStepPlaces } from './step-places.ts';
import type { StepReader } from './steps.ts';

export type { BuildImageOptions };

/**
 * Builds an image; answers Docker's id of it.
 * @throws StepError where the Dockerfile asks for what does not work; RemoteError where the Docker host
 * or the registry of a base image is to blame.
 */
export async function buildImage(options: BuildImageOptions): Promise<string> {
  const { docker, context, signal } = options;
  // The archive may break off before Docker begins to read it; nobody would notice then.
  const broken = new AbortController();
  context.stream.once('error', (error) => broken.abort(error));
  const either = AbortSignal.any([signal, broken.signal]);
  try {
    const builder = await chooseBuilder({ ...options, signal: either });
    const build = builder === 'buildkit' ? buildWithBuildKit : buildClassically;
    const id = await build({ ...options, signal: either });
    await refuseOtherPlatform(docker, id, options.platform);
    return id;
  } catch (error) {
    context.stream.destroy();
    if (signal.aborted) throw signal.reason;
    // When the archive broke off, that is the cause, and what Docker says of it is not.
    if (context.stream.errored) throw brokenArchive(context.stream.errored);
    throw toBuildError(error, options.dockerfile);
  }
}

async function buildClassically(options: BuildImageOptions): Promise<string> {
  const { docker, context, dockerfile, logins = {}, secrets = {}, signal } = options;
  if (Object.keys(secrets).length > 0) throw needsBuildKit('A secret mount');
  const progress = await sendBuild(docker, {
    context: context.stream,
    signal,
    query: await toQuery('classic', options),
    ...(Object.keys(logins).length > 0 ? { registryConfig: encodeLogins(logins) } : {}),
  });
  const steps = createClassicSteps(createStepPlaces(dockerfile));
  return follow(readProgress(progress), steps, options);
}

async function buildWithBuildKit(options: BuildImageOptions): Promise<string> {
  const { docker, context, dockerfile, logins = {}, secrets = {}, signal } = options;
  const session = await openSession(docker, { logins, secrets }, signal);
  try {
    const query = { ...(await toQuery('buildkit', options)), session: session.id };
    const progress = await sendBuild(docker, { context: context.stream, query, signal });
    const steps = createBuildKitSteps(createStepPlaces(dockerfile));
    return await follow(readUntilSilent(progress), steps, options);
  } finally {
    session.close();
  }
}

/** Tells the steps on until the image is made. */
async function follow(
  messages: AsyncIterable<ProgressMessage>,
  steps: StepReader,
  { onStep, dockerfile }: BuildImageOptions,
): Promise<string> {
  let id: string | undefined;
  let failure: string | undefined;
  try {
    for await (const message of messages) {
      for (const event of steps.read(message, Date.now())) await onStep(event);
      id = imageIn(message) ?? id;
      failure = failureIn(message);
      if (failure !== undefined) break;
    }
  } finally {
    const state = failure === undefined ? 'canceled' : 'failed';
    for (const event of steps.end(state, Date.now())) await onStep(event);
  }
  if (failure !== undefined) throw failureOf(failure, { ...steps.current, dockerfile });
  if (id === undefined) throw new Error('it ended without an image');
  return id;
}

/** What Node says where the daemon hangs up, which tells nobody who did. */
const hungUp = /^(aborted|socket hang up|(read|write) (ECONNRESET|EPIPE))$/;

function toBuildError(error: unknown, dockerfile: ExpandedDockerfile): EkidenError {
  if (error instanceof EkidenError) return error;
  const { statusCode } = error as { statusCode?: number };
  const situation = { dockerfile, lastWords: '' };
  const said = messageOf(error);
  const words = hungUp.test(said) ? `the connection to it broke off (${said})` : said;
  return failureOf(words, situation, (message) =>
    // Docker answers 400 for what its parser refuses.
    statusCode === 400
      ? new StepError(message, { code: 'E_DOCKERFILE' })
      : new RemoteError(`Docker did not build: ${message}`, { code: 'E_DOCKER', cause: error }),
  );
}
