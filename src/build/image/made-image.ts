/** Looks at images that are made, and names them. */
import type { Docker } from '../../clients/docker.ts';
import { messageOf, RemoteError } from '../../core/errors.ts';
import { tcpPorts } from './ports.ts';
import { StepError } from './step-error.ts';

/** Docker's id of the image of this name; undefined when this host has none. */
export async function imageId(docker: Docker, name: string): Promise<string | undefined> {
  try {
    return (await docker.getImage(name).inspect()).Id;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    return refuse(error);
  }
}

/** Gives an image one more name. */
export async function tagImage(
  docker: Docker,
  name: string,
  other: { repo: string; tag: string },
): Promise<void> {
  await docker.getImage(name).tag(other).catch(refuse);
}

/** TCP ports that the image exposes, lowest first. */
export async function exposedPorts(docker: Docker, name: string): Promise<number[]> {
  const { Config } = await docker.getImage(name).inspect().catch(refuse);
  return tcpPorts(Object.keys(Config.ExposedPorts ?? {}));
}

/** The classic builder takes a local base image of another platform without a word. */
export async function refuseOtherPlatform(
  docker: Docker,
  id: string,
  platform: string | undefined,
): Promise<void> {
  if (platform === undefined) return;
  const { Os, Architecture } = await docker.getImage(id).inspect().catch(refuse);
  const [os, architecture] = platform.split('/');
  if (os === Os && architecture === Architecture) return;
  throw new StepError(`The image came out for ${Os}/${Architecture} and not for ${platform}.`, {
    code: 'E_PLATFORM',
    hint: `The base image is there for ${Os}/${Architecture} only; see build.platform in the manifest.`,
  });
}

/** @throws RemoteError, so that the build is tried again where the daemon was away just then. */
function refuse(error: unknown): never {
  throw new RemoteError(`Docker did not build: ${messageOf(error)}`, {
    code: 'E_DOCKER',
    cause: error,
  });
}
