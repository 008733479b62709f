/** Applies the planned faults and the rate limit to a request, before anything else sees it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { GitLab } from './core.ts';
import type { Fault } from './faults.ts';

/** True where the fault was the whole answer; else `response.locals.fault` has what is left of it. */
export async function spoil(
  gitlab: GitLab,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  if (refuseOverLimit(gitlab, request, response)) return true;
  const fault = gitlab.faults.take(`${request.method} ${request.url}`);
  if (fault !== undefined && (await applyFault(gitlab, fault, response))) return true;
  Object.assign(response, { locals: { fault } });
  return false;
}

function refuseOverLimit(gitlab: GitLab, request: IncomingMessage, response: ServerResponse) {
  const { authorization, 'private-token': token, 'job-token': job } = request.headers;
  const counted = gitlab.faults.countRequest(String(token ?? authorization ?? job ?? ''));
  if (counted === undefined) return false;
  for (const [name, value] of Object.entries(counted.headers)) response.setHeader(name, value);
  if (!counted.over) return false;
  response.writeHead(429, { 'Content-Type': 'text/plain' });
  response.end('Retry later\n');
  return true;
}

async function applyFault(
  gitlab: GitLab,
  fault: Fault,
  response: ServerResponse,
): Promise<boolean> {
  const { delayMs, never, reset, afterBytes, status, body, headers } = fault;
  if (delayMs !== undefined) await wait(delayMs, undefined, { signal: gitlab.stopping });
  if (never === true) {
    await untilAborted([gitlab.faults.cleared(), gitlab.stopping], response);
    response.destroy();
    return true;
  }
  if (reset === true && afterBytes === undefined) {
    response.destroy();
    return true;
  }
  if (status === undefined) return false;
  const text = typeof body === 'string';
  response.writeHead(status, {
    'Content-Type': text ? 'text/plain' : 'application/json',
    ...headers,
  });
  response.end(text ? body : JSON.stringify(body ?? {}));
  return true;
}

/** Ends with the first of the signals, or when the client hangs up. */
async function untilAborted(signals: AbortSignal[], response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const signal = AbortSignal.any([...signals, gone.signal]);
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
