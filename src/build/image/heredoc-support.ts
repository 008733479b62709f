/** Tells whether the Docker that builds reads heredocs in Dockerfiles without a `# syntax=` line. */
import { type Docker, pingHeaders } from '../../clients/docker.ts';
import { type BuilderKind, builderOf } from './builder-choice.ts';

export interface HeredocSupportOptions {
  docker: Docker;
  builder?: BuilderKind | 'auto' | undefined;
  /** Milliseconds for which the daemon is waited for. */
  patience?: number;
}

/** The API of Docker 23.0, whose BuildKit was the first with heredocs of its own. */
const oldestApi = [1, 42] as const;
/** A daemon that hangs must not hold up who only wants a warning. */
const shortPatience = 2_000;
const validMilliseconds = 60_000;

/** Keeps an answer for a minute; answers true where the daemon does not say, as a warning would be a guess. */
export function createHeredocSupport(options: HeredocSupportOptions) {
  const { docker, builder = 'auto', patience = shortPatience } = options;
  let known = { answer: true, until: 0 };

  return async (): Promise<boolean> => {
    if (Date.now() < known.until) return known.answer;
    const headers = await pingHeaders(docker, AbortSignal.timeout(patience)).catch(() => undefined);
    const answer = headers === undefined || readsHeredocs(headers, builder);
    known = { answer, until: Date.now() + validMilliseconds };
    return answer;
  };
}

/** By the headers of the daemon's answer to a ping; the classic builder never does. */
export function readsHeredocs(
  headers: Record<string, string | undefined>,
  builder: BuilderKind | 'auto' = 'auto',
): boolean {
  // Podman builds with Buildah, which has them.
  if (headers['libpod-api-version']) return true;
  if ((builder === 'auto' ? builderOf(headers) : builder) === 'classic') return false;
  const [major = 0, minor = 0] = (headers['api-version'] ?? '').split('.').map(Number);
  return major > oldestApi[0] || (major === oldestApi[0] && minor >= oldestApi[1]);
}
