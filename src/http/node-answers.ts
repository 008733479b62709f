/** What the role node answers by HTTP. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { InputError, NotFoundError } from '../core/errors.ts';
import { type ByteRange, bytesIn, type LogFiles, type OpenLogFile } from '../core/log-file.ts';
import type { ListeningPorts, NodeInstance, NodeInstances } from '../core/node.ts';
import type { Metrics } from '../core/sample.ts';
import { sendJson } from './answer.ts';

interface Parts {
  instances: Pick<NodeInstances, 'find' | 'list' | 'ofApp'>;
  logFiles: LogFiles;
  metrics: Metrics;
  listening: ListeningPorts;
}

/** @throws EkidenError for everything that is no answer. */
export async function answerNode(
  parts: Parts,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '', url = '/' } = request;
  const { pathname, searchParams } = new URL(url, 'http://node');
  if (method !== 'GET' && method !== 'HEAD') throw nothingAt(`${method} ${pathname}`);
  if (pathname === '/metrics') {
    const items = await parts.metrics.ofApp(searchParams.get('app') ?? '');
    return sendJson(response, 200, { items });
  }
  if (pathname === '/instances') {
    const app = searchParams.get('app');
    const { instances } = parts;
    const found = app === null ? instances.list() : await instances.ofApp(app);
    return sendJson(response, 200, { items: found.map(toView) });
  }
  const listening = /^\/instances\/([^/]+)\/listening$/.exec(pathname)?.[1];
  if (listening !== undefined) return answerListening(parts, decoded(listening), response);
  const target = targetOf(pathname);
  if (!target) throw nothingAt(pathname);
  await answerAbout(parts, target, { request, response });
}

export interface FileTarget {
  instance: string;
  /** Of a log file; empty for the list of them; undefined for the instance itself. */
  path?: string;
}

/** Reads `/instances/:id`, `/instances/:id/files` and `/instances/:id/files/:path`. */
export function targetOf(pathname: string): FileTarget | undefined {
  const [, id, files, path] = /^\/instances\/([^/]+)(\/files(?:\/(.+))?)?$/.exec(pathname) ?? [];
  if (id === undefined) return undefined;
  const instance = decoded(id);
  return files === undefined ? { instance } : { instance, path: decoded(path ?? '') };
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
}

async function answerAbout(
  parts: Parts,
  { instance: id, path }: FileTarget,
  exchange: Exchange,
): Promise<void> {
  if (path) return sendFile(parts.logFiles, { instance: id, path }, exchange);
  const instance = await parts.instances.find(id);
  if (!instance) throw noInstance(id);
  if (path === undefined) return sendJson(exchange.response, 200, toView(instance));
  sendJson(exchange.response, 200, { items: (await parts.logFiles.list(id)) ?? [] });
}

/** Without `items` where nobody could look. */
async function answerListening(parts: Parts, id: string, response: ServerResponse) {
  if (!(await parts.instances.find(id))) throw noInstance(id);
  const items = await parts.listening.of(id);
  sendJson(response, 200, items ? { items } : {});
}

function toView({ id, app, release, endedAt, exit }: NodeInstance) {
  return {
    ...{ id, app, isAlive: endedAt === undefined },
    ...(release === undefined ? {} : { release }),
    ...(endedAt ? { endedAt } : {}),
    ...(exit ? { exit } : {}),
  };
}

async function sendFile(
  logFiles: LogFiles,
  { instance, path = '' }: FileTarget,
  { request, response }: Exchange,
): Promise<void> {
  const range = rangeOf(request.headers.range);
  const opened = await logFiles.open(instance, path, range);
  if (!opened)
    throw new NotFoundError('There is no such file.', {
      code: 'E_NO_FILE',
      hint: 'The list of files tells which there are.',
    });
  const { size } = opened.file;
  const { start, stop } = bytesIn(size, range);
  setHeaders(response, opened);
  response.setHeader('Content-Length', stop - start);
  if (range) response.setHeader('Content-Range', `bytes ${start}-${stop - 1}/${size}`);
  const isKnown = request.headers['if-none-match'] === response.getHeader('ETag');
  response.statusCode = isKnown ? 304 : range ? 206 : 200;
  if (isKnown) response.removeHeader('Content-Length');
  if (isKnown || request.method === 'HEAD' || stop === start) return void response.end();
  // Who goes away in the middle ends the reading, and is no failure.
  await pipeline(Readable.from(opened.bytes, { highWaterMark: 1 }), response);
}

function setHeaders(response: ServerResponse, { file, identity }: OpenLogFile): void {
  response.setHeader('Content-Type', 'application/octet-stream');
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Accept-Ranges', 'bytes');
  response.setHeader('ETag', `"${identity}.${file.size}.${file.modifiedAt}"`);
  response.setHeader('Last-Modified', new Date(file.modifiedAt).toUTCString());
  response.setHeader('Ekiden-File', JSON.stringify({ identity, ...withoutPath(file) }));
}

function withoutPath({ size, modifiedAt }: { size: number; modifiedAt: number }) {
  return { size, modifiedAt };
}

/** One range; several, and other units, are answered with the whole, as RFC 9110 lets a server do. */
function rangeOf(header: string | undefined): Partial<ByteRange> | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') return { start: -Number(last) };
  return last === '' ? { start: Number(first) } : { start: Number(first), end: Number(last) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new InputError('The address is no valid URL.', { code: 'E_ADDRESS', cause });
  }
}

export function noInstance(id: string): NotFoundError {
  return new NotFoundError(`This node does not know the instance ${id}.`, {
    code: 'E_NO_INSTANCE',
  });
}

function nothingAt(what: string): NotFoundError {
  return new NotFoundError(`There is nothing at ${what}.`, { code: 'E_NOT_FOUND' });
}
