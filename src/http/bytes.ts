/** Answers with a file's bytes, or a range of them (RFC 9110, section 14). */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import { EkidenError, NotFoundError } from '../core/errors.ts';
import { type ByteRange, beyondFile, type OpenLogFile } from '../core/log-file.ts';

/** Milliseconds in which a client may take nothing. */
const patience = 60_000;

export interface ServeBytesOptions {
  request: Request;
  response: Response;
  type: string;
  /** The file's size in bytes now; undefined when there is none. */
  size(): Promise<number | undefined>;
  /** Bytes that are no longer kept: the whole is then longer or shorter than its size, and told as it comes. */
  gap?: { start: number; stop: number } | undefined;
  /** Only bytes that are there now are asked for. */
  open(range: ByteRange): Promise<OpenLogFile | undefined>;
}

/** @throws NotFoundError, or InputError (416) for a range beyond the end. */
export async function serveBytes(options: ServeBytesOptions): Promise<void> {
  const { request, response, type, gap } = options;
  const size = await options.size();
  if (size === undefined) throw noFile();
  const range = wantedRange(options, size);
  response.set({
    'Content-Type': type,
    'X-Content-Type-Options': 'nosniff',
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'no-store',
    ...(gap ? {} : { 'Content-Length': String(size) }),
  });
  if (range) {
    response.status(206).set({
      'Content-Range': `bytes ${range.start}-${range.end}/${size}`,
      'Content-Length': String(range.end - range.start + 1),
    });
  }
  if (request.method === 'HEAD' || size === 0) {
    response.end();
    return;
  }
  const opened = await options.open(range ?? { start: 0, end: size - 1 });
  if (!opened) throw noFile();
  const length = Number(response.get('Content-Length') ?? Number.NaN);
  response.setTimeout(patience, () => response.destroy());
  // One part at a time: by itself a stream reads sixteen of them ahead.
  const parts = Readable.from(exactly(opened.bytes, length), { highWaterMark: 1 });
  // Whoever closes the page early is no failure; the file is closed all the same.
  await pipeline(parts, response).catch(() => undefined);
}

/** Bytes that are gone meanwhile break the answer off, since its length was told: nobody waits for the rest. */
async function* exactly(bytes: OpenLogFile['bytes'], length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  for await (const part of bytes) {
    left -= part.length;
    if (left < 0) break;
    yield part;
  }
  if (left !== 0 && !Number.isNaN(left)) throw new Error('The bytes changed while they were read.');
}

/** Several ranges at once are answered with the whole, as a server may. */
function wantedRange(
  { request, response, gap }: ServeBytesOptions,
  size: number,
): ByteRange | undefined {
  const suffix = /^bytes=-(\d+)$/.exec(request.headers.range ?? '')?.[1];
  const kept = (range: ByteRange) => (gap ? keptOf(range, gap, suffix !== undefined) : range);
  // More of the end than there is means all (RFC 9110, 14.1.2), which the parser takes for none.
  if (suffix !== undefined && Number(suffix) >= size && size > 0)
    return kept({ start: 0, end: size - 1 });
  const ranges = request.range(size, { combine: true });
  if (ranges === -1) {
    response.set('Content-Range', `bytes */${size}`);
    throw beyondFile(size);
  }
  if (ranges === undefined || ranges === -2 || ranges.type !== 'bytes') return undefined;
  const [first, ...more] = ranges;
  return first === undefined || more.length > 0 ? undefined : kept(first);
}

/** A server may answer with less than was asked for (RFC 9110, 15.3.7): the part before the gap, or behind it. */
function keptOf(range: ByteRange, gap: { start: number; stop: number }, isEnd: boolean): ByteRange {
  const { start, end } = range;
  if (end < gap.start || start >= gap.stop) return range;
  if (start < gap.start && !(isEnd && end >= gap.stop)) return { start, end: gap.start - 1 };
  if (end >= gap.stop) return { start: gap.stop, end };
  throw new EkidenError(`Of these bytes none is kept: the gap ends at ${gap.stop}.`, {
    ...{ code: 'E_LOG_GONE', status: 410, mendedBy: 'administrator' },
    hint: 'The beginning and the end of a long log are kept.',
  });
}

function noFile(): NotFoundError {
  return new NotFoundError('There is no such file.', {
    code: 'E_NO_FILE',
    hint: 'The list of files tells which there are.',
  });
}
