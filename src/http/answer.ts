/** Renders every answer of the API that is data, and every error. */
import type { ServerResponse } from 'node:http';
import { EkidenError, RemoteError, TooManyRequestsError } from '../core/errors.ts';

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.end(writeHead(response, status, 'application/json', body));
}

export function sendProblem(response: ServerResponse, error: unknown): void {
  response.end(writeProblemHead(response, error));
}

/** The whole answer is under way at once, but whoever calls has to end the response. */
export function writeProblem(response: ServerResponse, error: unknown): void {
  response.write(writeProblemHead(response, error));
}

function writeProblemHead(response: ServerResponse, error: unknown): string {
  const { status, body } = problemOf(error);
  if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="Ekiden"');
  const retryAfter = error instanceof EkidenError ? retryAfterOf(error) : undefined;
  if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter);
  return writeHead(response, status, 'application/problem+json', body);
}

function retryAfterOf(error: EkidenError): number | undefined {
  const tells = error instanceof TooManyRequestsError || error instanceof RemoteError;
  return tells ? error.retryAfter : undefined;
}

/** RFC 9457; what Ekiden did not raise on purpose is not told to the outside. */
export function problemOf(error: unknown): { status: number; body: Record<string, unknown> } {
  const known = error instanceof EkidenError ? error : undefined;
  const status = known?.status ?? 500;
  const code = known?.code ?? 'E_INSIDE';
  return {
    status,
    body: {
      type: `urn:ekiden:problem:${code}`,
      title: known?.message ?? 'Ekiden failed inside; its log tells more.',
      status,
      ...(known?.hint === undefined ? {} : { detail: known.hint }),
      code,
      mendedBy: known?.mendedBy ?? 'ekiden',
      ...known?.extra,
    },
  };
}

/** Answers the body as text, which Node sends together with the head in one piece. */
function writeHead(response: ServerResponse, status: number, type: string, body: unknown): string {
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(text),
    'Cache-Control': 'no-store',
  });
  return text;
}
