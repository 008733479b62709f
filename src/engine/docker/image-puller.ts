/** Brings images to the Docker host: pull policy, logins, and errors that say what to do. */
import { createHash } from 'node:crypto';
import type { Docker } from '../../clients/docker.ts';
import { RemoteError } from '../../core/errors.ts';
import { parseImage } from '../../core/image-reference.ts';
import { findLogin, type Login } from './docker-config.ts';
import { dockerMessage, unless } from './docker-host.ts';

export interface PullerOptions {
  docker: Docker;
  /** A config.json of Docker with logins, read at each pull. */
  dockerConfig?: string | undefined;
  /** For apps that name no image. */
  defaultImage: string;
}

export interface ImageRequest {
  /** Undefined for the default image. */
  image: string | undefined;
  /** Pulls also where the image is there. */
  force: boolean;
  /** Files with logins that the task brings itself; they go first. */
  configs: string[];
}

export type ImagePuller = ReturnType<typeof createImagePuller>;

export function createImagePuller({ docker, dockerConfig, defaultImage }: PullerOptions) {
  const pulls = new Map<string, Promise<void>>();

  async function pull(reference: string, login: Login | undefined): Promise<void> {
    const progress = await docker.pull(reference, login ? { authconfig: login } : {});
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(progress, (error: Error | null) =>
        error ? reject(error) : resolve(),
      );
    });
  }

  /** Tasks share a pull that runs with the same login. */
  function sharedPull(reference: string, login: Login | undefined): Promise<void> {
    const key = `${reference} ${fingerprint(login)}`;
    const running = pulls.get(key) ?? pull(reference, login).finally(() => pulls.delete(key));
    pulls.set(key, running);
    return running;
  }

  return {
    /** Resolves once the image is there. @throws RemoteError that says why it cannot be had. */
    ensure: async ({ image = defaultImage, force, configs }: ImageRequest): Promise<void> => {
      const refused = (error: unknown, login?: Login) =>
        refusal(error, { image, isDefault: image === defaultImage, login });
      if (!parseImage(image)) throw refused(new Error('invalid reference format'));
      const reference = fullReference(image);
      if (!force && (await isHere(docker, reference))) return;
      const files = dockerConfig === undefined ? configs : [...configs, dockerConfig];
      const login = await findLogin(reference, files);
      await sharedPull(reference, login).catch((error: unknown) => {
        throw refused(error, login);
      });
    },
  };
}

/** Without a tag Docker would pull every tag that there is. */
export function fullReference(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1);
  return name.includes(':') || name.includes('@') ? image : `${image}:latest`;
}

function isHere(docker: Docker, reference: string): Promise<boolean> {
  return docker
    .getImage(reference)
    .inspect()
    .then(() => true, unless(404))
    .then(Boolean);
}

function fingerprint(login: Login | undefined): string {
  return createHash('sha256')
    .update(JSON.stringify(login ?? null))
    .digest('hex');
}

interface Refused {
  image: string;
  isDefault: boolean;
  login: Login | undefined;
}

/** Docker's own words, and what to do about them. */
function refusal(error: unknown, { image, isDefault, login }: Refused): RemoteError {
  const said = dockerMessage(error);
  const registry = parseImage(image)?.host;
  const advice = isDefault
    ? '; it is the image for apps that name none: load or pull it on this machine, or name another with --image'
    : adviceFor(said, registry, login);
  return new RemoteError(`Cannot pull image '${image}': ${said}${advice}`, {
    code: 'E_ENGINE_IMAGE',
    cause: error,
  });
}

const DENIED = /denied|unauthorized|authentication required|no basic auth/i;

function adviceFor(said: string, registry: string | undefined, login: Login | undefined): string {
  if (registry === undefined) return '; it is no name of an image';
  if (!DENIED.test(said)) return '';
  return login
    ? `; ${registry} refused the login that the engine has for it`
    : `; the engine has no login for ${registry}: bring one by fetch, or start it with --docker-config`;
}
