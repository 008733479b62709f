/** The connections to GitLab: each request is made once, so that trying again is decided in one place. */
import type { Agent as TypedAgent } from 'node:https';
import { Agent, type Dispatcher } from 'undici';

/**
 * gitbeaker repeats a request that is answered with 429 or 502 ten times within a third of a
 * second, a POST as well, which keeps GitLab's limits full and can post a status twice. It does not
 * repeat 503, so these answers reach it as that, with their own words.
 */
const repeated = new Set([429, 502]);

/** An agent for gitbeaker, in whose answers 503 stands for 429 and 502 too. */
export function createGitLabAgent(): TypedAgent {
  const agent = new Agent().compose(
    (dispatch) => (options, handler) => dispatch(options, answeredOnce(handler)),
  );
  // gitbeaker's types ask for an agent of node:https, but its code hands this one to fetch.
  return agent as unknown as TypedAgent;
}

function answeredOnce(handler: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (...args) => handler.onRequestStart?.(...args),
    onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
    onResponseStart: (controller, status, ...rest) =>
      handler.onResponseStart?.(controller, repeated.has(status) ? 503 : status, ...rest),
    onResponseData: (...args) => handler.onResponseData?.(...args),
    onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
    onResponseError: (...args) => handler.onResponseError?.(...args),
  };
}
