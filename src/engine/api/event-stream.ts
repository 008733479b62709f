/** The event stream: server-sent events framed as Jetty frames them, which Marathon's clients split on. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { remoteAddressOf } from './request.ts';

export type Publish = (eventType: string, fields: Record<string, unknown>) => void;

interface Consumer {
  response: ServerResponse;
  /** Empty for all. */
  types: Set<string>;
  remoteAddress: string;
  /** Frames that the kernel has not taken yet. */
  outstanding: number;
  /** Frames of this turn of the event loop, which are written together. */
  pending: Buffer[];
}

/** Clients give a stream up after 15 s of silence; Jetty itself beats every 10 s. */
const HEARTBEAT_MS = 5_000;

/** Marathon's `--event_stream_max_outstanding_messages`. */
const MAX_OUTSTANDING = 1024;

/** Of one consumer: large events would make 1024 of them too much memory for hundreds of consumers. */
const MAX_BACKLOG_BYTES = 4 * 1024 * 1024;

/** Each may cost its backlog; Marathon's own users complain long before. */
const MAX_CONSUMERS = 1024;

/** Finds out about clients whose machine went away without a word. */
const KEEP_ALIVE_MS = 30_000;

/** Fans events out to all attached consumers; each event is written once as text. */
export function createEventStream(): EventStream {
  return new EventStream();
}

class EventStream {
  readonly #consumers = new Set<Consumer>();
  readonly #heartbeat = setInterval(() => this.#send('\r\n'), HEARTBEAT_MS).unref();
  #bytes = 0;
  /** Consumers with frames of this turn. */
  #due: Consumer[] = [];

  readonly publish: Publish = (eventType, fields) => {
    if (this.#consumers.size === 0) return;
    const data = JSON.stringify({ eventType, timestamp: new Date().toISOString(), ...fields });
    this.#send(`event: ${eventType}\r\ndata: ${data}\r\n\r\n`, eventType);
  };

  /** Consumers now, and bytes that were sent to all that there ever were. */
  stats(): { active: number; bytes: number } {
    return { active: this.#consumers.size, bytes: this.#bytes };
  }

  get isFull(): boolean {
    return this.#consumers.size >= MAX_CONSUMERS;
  }

  /** Turns an HTTP exchange into a stream of the given event types (none: all). */
  attach(request: IncomingMessage, response: ServerResponse, types: string[]): void {
    const remoteAddress = remoteAddressOf(request);
    const state = { outstanding: 0, pending: [] };
    const consumer: Consumer = { response, types: new Set(types), remoteAddress, ...state };
    request.socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
    response.writeHead(200, {
      'Content-Type': 'text/event-stream;charset=utf-8',
      Connection: 'close',
    });
    response.flushHeaders();
    response.on('close', () => this.#detach(consumer));
    response.on('error', () => response.destroy());
    this.#consumers.add(consumer);
    this.publish('event_stream_attached', { remoteAddress });
  }

  close(): void {
    clearInterval(this.#heartbeat);
    this.#flush();
    for (const { response } of this.#consumers) response.end();
    this.#consumers.clear();
  }

  /** To all, or to those that want events of the type. */
  #send(text: string, eventType?: string): void {
    const bytes = Buffer.from(text);
    for (const consumer of this.#consumers) {
      const { types } = consumer;
      if (eventType !== undefined && types.size > 0 && !types.has(eventType)) continue;
      this.#bytes += bytes.length;
      this.#add(consumer, bytes);
    }
  }

  /** Bursts go to hundreds of consumers, and each write costs far more than its bytes. */
  #add(consumer: Consumer, bytes: Buffer): void {
    if (this.#due.length === 0) setImmediate(() => this.#flush());
    if (consumer.pending.length === 0) this.#due.push(consumer);
    consumer.pending.push(bytes);
  }

  #flush(): void {
    const due = this.#due;
    this.#due = [];
    for (const consumer of due) write(consumer, consumer.pending.splice(0));
  }

  #detach(consumer: Consumer): void {
    if (!this.#consumers.delete(consumer)) return;
    this.publish('event_stream_detached', { remoteAddress: consumer.remoteAddress });
  }
}

export type { EventStream };

function write(consumer: Consumer, frames: Buffer[]): void {
  const { response } = consumer;
  if (response.destroyed || response.writableEnded) return;
  consumer.outstanding += frames.length;
  response.write(Buffer.concat(frames), () => {
    consumer.outstanding -= frames.length;
  });
  // A consumer that does not read is closed: it must take a snapshot again anyway.
  const isSlow = consumer.outstanding > MAX_OUTSTANDING;
  if (isSlow || response.writableLength > MAX_BACKLOG_BYTES) response.destroy();
}
