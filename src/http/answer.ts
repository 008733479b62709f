/** Renders every answer of the API that is data, and every error. */
import type { ServerResponse } from 'node:http';
import { EkidenError } from '../core/errors.ts';

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, 'application/json', body);
}

/** RFC 9457; what Ekiden did not raise on purpose is not told to the outside. */
export function sendProblem(response: ServerResponse, error: unknown): void {
  const known = error instanceof EkidenError;
  const status = known ? error.status : 500;
  send(response, status, 'application/problem+json', {
    status,
    code: known ? error.code : 'E_INSIDE',
    title: known ? error.message : 'Ekiden failed inside; its log tells more.',
    ...(known && error.hint !== undefined ? { detail: error.hint } : {}),
  });
}

function send(response: ServerResponse, status: number, type: string, body: unknown): void {
  const bytes = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
  });
  response.end(bytes);
}
