/** Follows a log file through its node, and goes on where it was when the connection breaks. */
import { setTimeout as delay } from 'node:timers/promises';
import { createWebSocketStream, WebSocket } from 'ws';
import { z } from 'zod';
import { NotFoundError } from '../core/errors.ts';
import { type Follow, type LogFrame, noInstance } from '../core/log-file.ts';
import type { NodePlaces } from './node-places.ts';
import { awayError, type NodeRequests } from './node-requests.ts';
import { endWhenSilent } from './silence.ts';

const controlSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('position'), identity: z.string(), offset: z.number() }),
  z.object({ type: z.literal('rotated') }),
  z.object({ type: z.literal('skipped'), bytes: z.number() }),
  z.object({ type: z.literal('end'), reason: z.string() }),
]);

/** Milliseconds: how long a node may be away, and between two tries. */
const patience = 30_000;
const retryEvery = 500;
const openTime = 5_000;
/** Far more than a frame holds. */
const longestFrame = 4 * 1024 * 1024;
/** Frames that wait for a slow reader; then nothing more is taken from the socket. */
const waitingFrames = 2;

export interface NodeFollowOptions {
  places: NodePlaces;
  requests: NodeRequests;
  instance: string;
  path: string;
  follow: Follow;
}

/** Where the next byte is to come from. */
interface Place {
  from: number;
  identity?: string;
}

/** @throws NotFoundError when no node knows the instance, RemoteError when its node is away for long. */
export async function* followThroughNode(options: NodeFollowOptions): AsyncGenerator<LogFrame> {
  const { signal, from = 0, identity } = options.follow;
  let place: Place = identity === undefined ? { from } : { from, identity };
  let giveUp = Date.now();
  let isBegun = false;
  while (!signal.aborted) {
    try {
      for await (const frame of connect(options, place)) {
        const next = placeAfter(place, frame);
        // After a break the node tells what the reader knows already.
        const isKnown = isBegun && frame.type === 'position' && isEqual(next, place);
        place = next;
        isBegun = true;
        giveUp = Date.now() + patience;
        if (!isKnown) yield frame;
        if (frame.type === 'end') return;
      }
    } catch (error) {
      if (signal.aborted) return;
      options.places.forget(options.instance);
      if (error instanceof NotFoundError || Date.now() > giveUp) throw error;
    }
    await delay(retryEvery, undefined, { signal }).catch(() => undefined);
  }
}

function placeAfter(place: Place, frame: LogFrame): Place {
  if (frame.type === 'position') return { from: frame.offset, identity: frame.identity };
  return frame.type === 'data' ? { ...place, from: place.from + frame.bytes.length } : place;
}

function isEqual(a: Place, b: Place): boolean {
  return a.from === b.from && a.identity === b.identity;
}

/** The frames of one connection; ends without `end` when it breaks. */
async function* connect(options: NodeFollowOptions, place: Place): AsyncGenerator<LogFrame> {
  const { places, requests, instance, path, follow } = options;
  const node = await places.find(instance);
  if (!node) throw noInstance(instance);
  const query = new URLSearchParams({ ...place, from: String(place.from) });
  const target = `/instances/${encodeURIComponent(instance)}/files/${encodeURIComponent(path)}`;
  const url = new URL(`${target}?${query}`, node.url);
  const socket = new WebSocket(url, {
    headers: { authorization: await requests.authorization('GET', url) },
    perMessageDeflate: false,
    handshakeTimeout: openTime,
    maxPayload: longestFrame,
  });
  const stream = createWebSocketStream(socket, {
    readableObjectMode: true,
    readableHighWaterMark: waitingFrames,
  });
  const quiet = endWhenSilent(socket);
  const leave = () => stream.destroy();
  follow.signal.addEventListener('abort', leave);
  if (follow.signal.aborted) leave();
  try {
    for await (const message of stream) yield frameOf(message);
  } catch (error) {
    throw awayError(node, error);
  } finally {
    clearTimeout(quiet);
    follow.signal.removeEventListener('abort', leave);
    stream.destroy();
  }
}

function frameOf(message: unknown): LogFrame {
  if (Buffer.isBuffer(message)) return { type: 'data', bytes: message };
  return controlSchema.parse(JSON.parse(String(message)));
}
