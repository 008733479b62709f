/** Makes and pushes images with a Docker daemon. */
import type { ImageBuildOptions } from 'dockerode';
import type { Docker } from '../../clients/docker.ts';
import { EkidenError, InputError, messageOf, RemoteError } from '../../core/errors.ts';
import { brokenArchive, type Context } from '../context/context.ts';
import { failureIn, readProgress, StepError, stepIn } from './progress.ts';
import { encodeLogins, type Login } from './registry-login.ts';

export interface BuildImageOptions {
  docker: Docker;
  context: Context;
  /** Full name with tag. */
  name: string;
  args: Record<string, string>;
  target?: string;
  labels: Record<string, string>;
  /** For the registries of base images, by their names. */
  logins?: Record<string, Login>;
  write: (text: string) => void;
  signal: AbortSignal;
}

/**
 * Builds with the classic builder.
 * @throws InputError when Docker refuses the Dockerfile, StepError when a step of it fails.
 */
export async function buildImage(options: BuildImageOptions): Promise<void> {
  const { docker, context, write, signal } = options;
  // The archive may break off before Docker begins to read it; nobody would notice then.
  const broken = new AbortController();
  context.stream.once('error', (error) => broken.abort(error));
  try {
    const progress = await docker.buildImage(context.stream, {
      t: options.name,
      dockerfile: context.dockerfile,
      buildargs: options.args,
      labels: options.labels,
      ...(options.target === undefined ? {} : { target: options.target }),
      ...(await networkOf(docker)),
      ...loginOption(options.logins),
      rm: true,
      forcerm: true,
      abortSignal: AbortSignal.any([signal, broken.signal]),
    });
    let step: number | undefined;
    for await (const message of readProgress(progress as AsyncIterable<Buffer>)) {
      if (message.stream) write(message.stream);
      else if (message.status) write(statusLine(message));
      step = stepIn(message) ?? step;
      const failure = failureIn(message);
      if (failure !== undefined) throw new StepError(failure, step);
    }
  } catch (error) {
    context.stream.destroy();
    if (signal.aborted) throw signal.reason;
    // When the archive broke off, that is the cause, and what Docker says of it is not.
    if (context.stream.errored) throw brokenArchive(context.stream.errored);
    throw toBuildError(error);
  }
}

export interface PushImageOptions {
  docker: Docker;
  repository: string;
  tag: string;
  write: (text: string) => void;
  signal: AbortSignal;
}

/** Pushes one tag; answers the digest that the registry gave the image. */
export async function pushImage(options: PushImageOptions): Promise<string> {
  const { docker, repository, tag, write, signal } = options;
  let digest: string | undefined;
  try {
    const image = docker.getImage(`${repository}:${tag}`);
    // Docker refuses a push without login data, even where the registry asks for none.
    const progress = await image.push({ tag, authconfig: {}, abortSignal: signal });
    for await (const message of readProgress(progress as AsyncIterable<Buffer>)) {
      digest = message.aux?.Digest ?? digest;
      const failure = failureIn(message);
      if (failure !== undefined) throw new Error(failure);
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new RemoteError(`The registry did not take ${repository}:${tag}: ${messageOf(error)}`, {
      code: 'E_REGISTRY',
      hint: 'Check that the registry is up and has room.',
      cause: error,
    });
  }
  if (digest === undefined) {
    throw new RemoteError(`The registry gave no digest for ${repository}:${tag}.`, {
      code: 'E_REGISTRY',
    });
  }
  write(`pushed ${repository}:${tag} ${digest}\n`);
  return digest;
}

/** Docker's id of the image of this name; undefined when this host has none. */
export async function imageId(docker: Docker, name: string): Promise<string | undefined> {
  try {
    return (await docker.getImage(name).inspect()).Id;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw toBuildError(error);
  }
}

/** TCP ports that the image exposes, lowest first. */
export async function exposedPorts(docker: Docker, name: string): Promise<number[]> {
  const { Config } = await docker.getImage(name).inspect();
  return Object.keys(Config.ExposedPorts ?? {})
    .filter((port) => port.endsWith('/tcp'))
    .map((port) => Number.parseInt(port, 10))
    .sort((a, b) => a - b);
}

/** Encoded here, since dockerode would do it with an alphabet that Docker does not read. */
function loginOption(logins: Record<string, Login> = {}) {
  if (Object.keys(logins).length === 0) return {};
  // Its types do not know of this form.
  const encoded: unknown = { base64: encodeLogins(logins) };
  return { registryconfig: encoded as ImageBuildOptions['registryconfig'] & object };
}

/** A daemon without the default bridge can run build steps in the host's network only. */
async function networkOf(docker: Docker): Promise<{ networkmode?: string }> {
  const networks = await docker.listNetworks({ filters: { name: ['bridge'] } });
  return networks.some((network) => network.Name === 'bridge') ? {} : { networkmode: 'host' };
}

function statusLine({ id, status }: { id?: string | undefined; status?: string | undefined }) {
  return `${id ? `${id}: ` : ''}${status ?? ''}\n`;
}

function toBuildError(error: unknown): EkidenError {
  if (error instanceof EkidenError) return error;
  const status = (error as { statusCode?: number }).statusCode;
  const text = messageOf(error);
  // Docker answers 400 for what its parser refuses and 500 for a Dockerfile it cannot read.
  if (status === 400 || /dockerfile parse error|the Dockerfile/i.test(text)) {
    return new InputError(text.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim(), {
      code: 'E_DOCKERFILE',
      cause: error,
    });
  }
  return new RemoteError(`Docker did not build: ${text}`, { code: 'E_DOCKER', cause: error });
}
