/** What of a Docker host decides which images a build is made on, and what is made of them. */
import type { Docker } from '../../clients/docker.ts';
import { registrySettings } from '../../clients/docker-registries.ts';
import { messageOf, RemoteError } from '../../core/errors.ts';
import { type BuilderKind, chooseBuilder } from '../image/builder-choice.ts';

export interface DockerHost {
  /** For which it builds, such as `linux/amd64`. */
  platform: string;
  builder: BuilderKind;
  /** True where a base is taken as its registry has it now, whatever Docker has of it. */
  asksRegistryFirst: boolean;
  /** True where a mirror is asked before Docker Hub. */
  mirrorsHub: boolean;
}

export interface DockerHostOptions {
  docker: Docker;
  /** By default the daemon is asked. */
  builder?: BuilderKind | 'auto' | undefined;
  /** By default the host's own. */
  platform?: string | undefined;
  signal: AbortSignal;
}

/** @throws RemoteError where Docker does not say it. */
export async function describeDocker(options: DockerHostOptions): Promise<DockerHost> {
  const { docker, platform } = options;
  const [builder, settings, own] = await askingDocker('about itself', () =>
    Promise.all([
      chooseBuilder(options),
      registrySettings(docker),
      platform ?? ownPlatform(docker),
    ]),
  );
  return {
    ...{ platform: own, builder, mirrorsHub: settings.mirrorsHub },
    // On containerd, BuildKit falls back to the copy here only where the registry fails (moby/buildkit#6760).
    asksRegistryFirst: settings.hasContainerdStore && builder === 'buildkit',
  };
}

async function ownPlatform(docker: Docker): Promise<string> {
  const { Os, Arch } = await docker.version();
  return `${Os}/${Arch}`;
}

/** @throws RemoteError with what Docker said instead, or that it did not answer. */
export async function askingDocker<T>(what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const { code } = error as { code?: unknown };
    const reason = messageOf(error) || (typeof code === 'string' ? code : 'no answer');
    throw new RemoteError(`Docker tells nothing ${what}: ${reason}`, {
      code: 'E_DOCKER',
      cause: error,
    });
  }
}
