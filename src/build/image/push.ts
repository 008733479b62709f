/** Pushes images to the registry. */
import type { Docker } from '../../clients/docker.ts';
import { messageOf, RemoteError } from '../../core/errors.ts';
import { digestIn, failureIn, readProgress } from './progress.ts';
import type { Login } from './registry-login.ts';

export interface PushImageOptions {
  docker: Docker;
  repository: string;
  tag: string;
  /** Ekiden's own for the registry, where it asks for one. */
  login?: Login;
  write: (text: string) => void;
  signal: AbortSignal;
}

/**
 * Pushes one tag; answers the digest that the registry gave the image.
 * @throws RemoteError, not to be tried again where the login is wrong.
 */
export async function pushImage(options: PushImageOptions): Promise<string> {
  const { repository, tag, write, signal } = options;
  let digest: string | undefined;
  try {
    digest = await push(options).catch((error: unknown) => {
      // A registry that was cleaned or restarted forgets uploads that had begun; a second push begins anew.
      if (signal.aborted || !uploadLost.test(messageOf(error))) throw error;
      return push(options);
    });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw pushFailure(error, options);
  }
  if (digest === undefined) {
    throw new RemoteError(`The registry gave no digest for ${repository}:${tag}.`, {
      code: 'E_REGISTRY',
    });
  }
  write(`pushed ${repository}:${tag} ${digest}\n`);
  return digest;
}

const uploadLost = /blob upload (unknown|invalid)/i;
const refused = /unauthorized|no basic auth credentials|denied|incorrect username|forbidden/i;
const full = /no space left|quota|507|insufficient storage/i;

async function push({ docker, repository, tag, login, signal }: PushImageOptions) {
  let digest: string | undefined;
  const image = docker.getImage(`${repository}:${tag}`);
  const serveraddress = repository.split('/')[0] ?? '';
  // Docker refuses a push without login data, even where the registry asks for none.
  const authconfig = login ? { ...login, serveraddress } : {};
  const progress = await image.push({ tag, authconfig, abortSignal: signal });
  for await (const message of readProgress(progress as AsyncIterable<Buffer>)) {
    digest = digestIn(message) ?? digest;
    const failure = failureIn(message);
    if (failure !== undefined) throw new Error(failure);
  }
  return digest;
}

function pushFailure(error: unknown, { repository, tag, login }: PushImageOptions): RemoteError {
  const why = messageOf(error);
  const what = `The registry did not take ${repository}:${tag}: ${why}`;
  if (refused.test(why)) {
    return new RemoteError(what, {
      code: 'E_REGISTRY_LOGIN',
      retryable: false,
      cause: error,
      hint: login
        ? 'REGISTRY_USER and REGISTRY_PASSWORD must be a login that may push there.'
        : 'The registry asks for a login: set REGISTRY_USER and REGISTRY_PASSWORD.',
    });
  }
  const hint = full.test(why)
    ? 'Free room in the registry, by ekiden clean for one, and build again.'
    : 'Check that the registry is up and has room.';
  return new RemoteError(what, { code: 'E_REGISTRY', hint, cause: error });
}
