/** Renders every answer of the API that is data, and every error. */
import type { ServerResponse } from 'node:http';
import { EkidenError } from '../core/errors.ts';

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  write(response, status, 'application/json', body);
  response.end();
}

export function sendProblem(response: ServerResponse, error: unknown): void {
  writeProblem(response, error);
  response.end();
}

/**
 * RFC 9457; what Ekiden did not raise on purpose is not told to the outside. The whole answer is
 * under way at once, but whoever calls has to end the response.
 */
export function writeProblem(response: ServerResponse, error: unknown): void {
  const known = error instanceof EkidenError;
  const status = known ? error.status : 500;
  write(response, status, 'application/problem+json', {
    status,
    code: known ? error.code : 'E_INSIDE',
    title: known ? error.message : 'Ekiden failed inside; its log tells more.',
    mendedBy: known ? error.mendedBy : 'ekiden',
    ...(known && error.hint !== undefined ? { detail: error.hint } : {}),
  });
}

function write(response: ServerResponse, status: number, type: string, body: unknown): void {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
  });
  response.write(bytes);
}
