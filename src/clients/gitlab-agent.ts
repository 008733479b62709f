/** The connections to GitLab: each request is made once, so that trying again is decided in one place. */
import type { Agent as TypedAgent } from 'node:https';
import { Agent, type Dispatcher } from 'undici';

/**
 * gitbeaker repeats a request that is answered with 429 or 502 ten times within a third of a
 * second, a POST as well, which keeps GitLab's limits full and can post a status twice. It does not
 * repeat 503, so these answers reach it as that, with their own words.
 */
const repeated = new Set([429, 502]);

/** Files come whole and in Base64; what Ekiden reads of a repository is far smaller. */
const fileLimit = 4 * 1024 * 1024;

/** The file asked for is larger than anything that Ekiden reads. */
export class FileTooLargeError extends Error {}

/**
 * An agent for gitbeaker, in whose answers 503 stands for 429 and 502 too. `ca` is the certificate
 * of a private authority (PEM), trusted in place of the public ones.
 */
export function createGitLabAgent(ca?: string): TypedAgent {
  const agent = new Agent(ca === undefined ? {} : { connect: { ca } }).compose(
    (dispatch) => (options, handler) =>
      dispatch(options, answeredOnce(handler, limitOf(options.path))),
  );
  // gitbeaker's types ask for an agent of node:https, but its code hands this one to fetch.
  return agent as unknown as TypedAgent;
}

function limitOf(path: string): number {
  return path.includes('/repository/files/') ? fileLimit : Number.POSITIVE_INFINITY;
}

function answeredOnce(
  handler: Dispatcher.DispatchHandler,
  limit: number,
): Dispatcher.DispatchHandler {
  let size = 0;
  return {
    onRequestStart: (...args) => handler.onRequestStart?.(...args),
    onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
    onResponseStart: (controller, status, ...rest) =>
      handler.onResponseStart?.(controller, repeated.has(status) ? 503 : status, ...rest),
    onResponseData: (controller, chunk) => {
      size += chunk.length;
      if (size > limit) controller.abort(new FileTooLargeError());
      else handler.onResponseData?.(controller, chunk);
    },
    onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
    onResponseError: (...args) => handler.onResponseError?.(...args),
  };
}
