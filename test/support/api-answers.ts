/** Keeps what every API in this process answers, in whatever test, and holds it to its OpenAPI document. */
import diagnostics from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createAnswerCheck, type Document } from './openapi.ts';

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
}

interface Answer extends Exchange {
  method: string;
  /** Below /api/v1, without the query. */
  path: string;
  chunks: Buffer[];
}

/** Lists of a project in tests have a few kB; of log files nothing is read. */
const mostBytes = 1024 * 1024;

/** What describes the API is no operation of it. */
const ownDescription = /^\/(?:openapi\.json|docs)?$/;

const answers: Answer[] = [];
let check: ReturnType<typeof createAnswerCheck> | undefined;

diagnostics.subscribe('http.server.request.start', (message) => {
  const { request, response } = message as Exchange;
  const path = /\/api\/v1(\/[^?]*)?(?:\?|$)/.exec(request.url ?? '')?.[1] ?? '/';
  if (!request.url?.includes('/api/v1/') || ownDescription.test(path)) return;
  const answer = { request, response, method: request.method ?? 'GET', path, chunks: [] };
  keepChunks(answer);
  response.once('finish', () => answers.push(answer));
});

function keepChunks({ response, chunks }: Answer): void {
  const { write, end } = response;
  let bytes = 0;
  const keep = (chunk: unknown) => {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return;
    bytes += chunk.length;
    if (bytes <= mostBytes) chunks.push(Buffer.from(chunk));
  };
  response.write = (...given: unknown[]) => {
    keep(given[0]);
    return write.apply(response, given as Parameters<typeof write>);
  };
  response.end = ((...given: unknown[]) => {
    keep(given[0]);
    return end.apply(response, given as Parameters<typeof end>);
  }) as typeof end;
}

/** What is wrong with those that came since the last time, one sentence each. */
export async function wrongAnswers(): Promise<string[]> {
  const taken = answers.splice(0).filter(isOfEkiden);
  if (taken.length === 0) return [];
  check ??= createAnswerCheck(await documentOfSources());
  return taken.flatMap((answer) => faultOf(answer) ?? []);
}

/** Some tests play an Ekiden that answers nonsense; that has not the headers of a real one. */
function isOfEkiden({ response }: Answer): boolean {
  return response.hasHeader('content-security-policy');
}

function faultOf({ method, path, response, chunks }: Answer): string | undefined {
  const contentType = String(response.getHeader('content-type') ?? '');
  const text = Buffer.concat(chunks).toString('utf8');
  const isHead = method === 'HEAD';
  const fault = check?.({
    ...{ path, status: response.statusCode, text },
    method: isHead ? 'GET' : method,
    contentType: isHead ? contentType.replace('json', '') : contentType,
  });
  if (fault || isHead || !contentType.includes('problem')) return fault;
  return hasHint(text) ? undefined : `${method} ${path} does not say what to do: ${text}`;
}

/** Who asks can mend what is theirs; what failed inside Ekiden is not told. */
function hasHint(text: string): boolean {
  const { detail, status } = JSON.parse(text);
  return Boolean(detail) || status >= 500;
}

async function documentOfSources(): Promise<Document> {
  const { endpoints } = await import('../../src/http/api/index.ts');
  const { createOpenApi } = await import('../../src/http/api/openapi.ts');
  const document = createOpenApi({ endpoints, version: '0', url: 'http://localhost' });
  return document as unknown as Document;
}
