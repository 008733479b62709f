/** Decides which of Docker's two builders builds. */
import { type Docker, pingHeaders } from '../../clients/docker.ts';

export type BuilderKind = 'buildkit' | 'classic';

/** BuildKit came with Docker 18.09. */
const oldestApi = [1, 39] as const;

export interface BuilderChoice {
  docker: Docker;
  /** By default the daemon is asked. */
  builder?: BuilderKind | 'auto' | undefined;
  /** Gives up the question to a daemon that hangs. */
  signal: AbortSignal;
}

/** Asks the daemon, unless somebody has decided. */
export async function chooseBuilder(choice: BuilderChoice): Promise<BuilderKind> {
  const { docker, builder = 'auto', signal } = choice;
  return builder === 'auto' ? builderOf(await pingHeaders(docker, signal)) : builder;
}

/**
 * The builder that a daemon has, by the headers of its answer to a ping: `builder-version` is 2 where it
 * builds with BuildKit by itself and 1 where its administrator or its system has none. Docker up to 22
 * leaves it out unless its configuration decides, and has both.
 */
export function builderOf(headers: Record<string, string | undefined>): BuilderKind {
  const version = headers['builder-version'];
  if (version) return version === '2' ? 'buildkit' : 'classic';
  // Podman answers like Docker, and knows no sessions.
  if (headers['libpod-api-version'] || headers['ostype'] === 'windows') return 'classic';
  const [major = 0, minor = 0] = (headers['api-version'] ?? '').split('.').map(Number);
  const isRecent = major > oldestApi[0] || (major === oldestApi[0] && minor >= oldestApi[1]);
  return isRecent ? 'buildkit' : 'classic';
}
