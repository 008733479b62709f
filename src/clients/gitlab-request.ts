/** What every call to GitLab has in common: the connection, and what its refusals mean. */
import {
  type EkidenError,
  InputError,
  messageOf,
  NotFoundError,
  RemoteError,
} from '../core/errors.ts';
import {
  createGitLabAgent,
  FileTooLargeError,
  ForeignRedirectError,
  ownStatusHeader,
} from './gitlab-agent.ts';

export interface GitLabOptions {
  url: string;
  token: string;
  /** Certificate of a private authority, PEM. */
  ca?: string | undefined;
}

/** Answer time-out of everything but archives, in milliseconds. */
const queryTimeout = 20_000;

/** How much of a refusal's words is repeated. */
const saidLimit = 200;

/** Options of gitbeaker with GitLab's own limits: the built-in ones would count across projects. */
export function requestOptions({ url, token, ca }: GitLabOptions) {
  return {
    host: url.replace(/\/+$/, ''),
    token,
    agent: createGitLabAgent(ca),
    queryTimeout,
    rateLimits: { '**': 3_000 },
  };
}

/** Runs one call and turns what it throws into Ekiden's errors. */
export async function asking<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toEkidenError(what, error);
  }
}

function toEkidenError(what: string, error: unknown): EkidenError {
  if (error instanceof Error && error.cause instanceof FileTooLargeError) {
    const hint = 'Ekiden reads manifests, Dockerfiles and fragments only; make it smaller.';
    return new InputError(`${what} is too large.`, { code: 'E_FILE_SIZE', hint, cause: error });
  }
  if (error instanceof Error && error.cause instanceof ForeignRedirectError) {
    return new RemoteError(`GitLab, asked for ${what}: ${error.cause.message}`, {
      code: 'E_GITLAB_ADDRESS',
      hint: 'Set GITLAB_URL to the address at which GitLab itself answers.',
      retryable: false,
      cause: error,
    });
  }
  const status = statusOf(error);
  const text = `GitLab, asked for ${what}: ${saidBy(error) || `HTTP ${status}`}`;
  if (status === 404) return new NotFoundError(text, { code: 'E_GITLAB_NOT_FOUND', cause: error });
  if (status === 401 || status === 403) {
    const isTokenBad = status === 401 || text.includes('insufficient_scope');
    return new RemoteError(`${text} (HTTP ${status})`, {
      code: isTokenBad ? 'E_GITLAB_TOKEN' : 'E_GITLAB_ACCESS',
      hint: 'Check GITLAB_TOKEN: it needs the scope api and, in the project, the role Developer.',
      // A token that is refused everywhere will be replaced, and work shall wait for that.
      retryable: isTokenBad,
      cause: error,
    });
  }
  const retryable = status === undefined || status === 409 || status === 429 || status >= 500;
  const retryAfter = retryAfterOf(error);
  return new RemoteError(text, {
    ...{ code: 'E_GITLAB', retryable, cause: error },
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}

/** Nobody waits longer for GitLab than this before trying again, whatever it says. */
const longestRetryAfter = 3_600;

/** Seconds after which GitLab wants to be asked again, of a 429 or 503; it sends numbers only. */
function retryAfterOf(error: unknown): number | undefined {
  const seconds = Number(headersOf(error)?.get('retry-after') ?? Number.NaN);
  if (seconds > 0) return Math.min(seconds, longestRetryAfter);
  return statusOf(error) === 429 ? untilNextMinute() : undefined;
}

/** Seconds until there is room again: GitLab's own limits count in whole minutes, and do not say so. */
export function untilNextMinute(now = Date.now()): number {
  // Its clock and this one are not quite the same.
  return Math.ceil((60_000 - (now % 60_000)) / 1_000) + 1;
}

/** GitLab's own words. */
export function saidBy(error: unknown): string {
  return inOneLine(messageOf(error));
}

/** One line of some length: a proxy before GitLab answers with whole pages. */
export function inOneLine(text: string): string {
  return shorten(text.replace(/\s+/g, ' ').trim(), saidLimit);
}

/** HTTP status of a gitbeaker error; undefined when no answer came. */
export function statusOf(error: unknown): number | undefined {
  const own = Number(headersOf(error)?.get(ownStatusHeader) ?? Number.NaN);
  if (own > 0) return own;
  const status = responseOf(error)?.status;
  return typeof status === 'number' ? status : undefined;
}

function headersOf(error: unknown): Headers | undefined {
  const headers = responseOf(error)?.headers;
  return headers instanceof Headers ? headers : undefined;
}

function responseOf(error: unknown) {
  const cause = error instanceof Error ? error.cause : undefined;
  type Caused = { response?: { status?: unknown; headers?: unknown } } | undefined;
  return (cause as Caused)?.response;
}

/** A `catch` for what may be missing. */
export function absent(error: unknown): undefined {
  if (error instanceof NotFoundError) return undefined;
  throw error;
}

/** At most `limit` characters, with … where something was cut. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  // Half of a character that takes two units would be no text any more.
  return `${text.slice(0, limit - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
