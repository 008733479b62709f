/** The connections to GitLab: each request is made once, and to GitLab alone. */
import type { Agent as TypedAgent } from 'node:https';
import { Agent, type Dispatcher } from 'undici';

/**
 * gitbeaker repeats a request that is answered with 429 or 502 ten times within a third of a
 * second, a POST as well, which keeps GitLab's limits full and can post a status twice. It does not
 * repeat 503, so these answers reach it as that, with their own words.
 */
const repeated = new Set([429, 502]);

/** Header in which such an answer tells its own status. */
export const ownStatusHeader = 'x-ekiden-answered';

/** Files come whole and in Base64; what Ekiden reads of a repository is far smaller. */
const fileLimit = 4 * 1024 * 1024;

/** The file asked for is larger than anything that Ekiden reads. */
export class FileTooLargeError extends Error {}

/** GitLab sends the request on to another origin, which must not get the token. */
export class ForeignRedirectError extends Error {
  /** Where it leads, such as `https://gitlab.example.com`. */
  readonly origin: string;

  constructor(origin: string) {
    super(`is sent on to ${origin}`);
    this.origin = origin;
  }
}

/**
 * An agent for gitbeaker, in whose answers 503 stands for 429 and 502 too, which a header then names. `ca` is the certificate
 * of a private authority (PEM), trusted in place of the public ones.
 */
export function createGitLabAgent(ca?: string): TypedAgent {
  const agent = new Agent(ca === undefined ? {} : { connect: { ca } }).compose(
    (dispatch) => (options, handler) => dispatch(options, answeredOnce(handler, options)),
  );
  // gitbeaker's types ask for an agent of node:https, but its code hands this one to fetch.
  return agent as unknown as TypedAgent;
}

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2];

/** The answer as gitbeaker gets it. */
function answered(status: number, headers: Headers) {
  if (!repeated.has(status)) return { status, headers };
  return { status: 503, headers: { ...headers, [ownStatusHeader]: String(status) } };
}

function limitOf(path: string): number {
  return path.includes('/repository/files/') ? fileLimit : Number.POSITIVE_INFINITY;
}

/** Where an answer leads away to; fetch would follow, and take the header PRIVATE-TOKEN along. */
function foreignOrigin(asked: string, status: number, location: unknown): string | undefined {
  if (status < 300 || status >= 400 || typeof location !== 'string') return undefined;
  const target = URL.canParse(location, asked) ? new URL(location, asked).origin : location;
  return target === new URL(asked).origin ? undefined : target;
}

function answeredOnce(
  handler: Dispatcher.DispatchHandler,
  { origin, path }: Dispatcher.DispatchOptions,
): Dispatcher.DispatchHandler {
  const limit = limitOf(path);
  let size = 0;
  return {
    onRequestStart: (...args) => handler.onRequestStart?.(...args),
    onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
    onResponseStart: (controller, status, headers, ...rest) => {
      const elsewhere = foreignOrigin(String(origin), status, headers['location']);
      if (elsewhere !== undefined) controller.abort(new ForeignRedirectError(elsewhere));
      else {
        const shown = answered(status, headers);
        handler.onResponseStart?.(controller, shown.status, shown.headers, ...rest);
      }
    },
    onResponseData: (controller, chunk) => {
      size += chunk.length;
      if (size > limit) controller.abort(new FileTooLargeError());
      else handler.onResponseData?.(controller, chunk);
    },
    onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
    onResponseError: (...args) => handler.onResponseError?.(...args),
  };
}
